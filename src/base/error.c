/* SPDX-License-Identifier: MIT */
/*
 * Error names, texts and the explanation of the last failure of each thread, and the version.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "base/table.h"
#include "regio.h"

struct error_entry {
	int value;
	const char *name;
	const char *text;
};

static const struct error_entry errors[] = {
	{0, "OK", "success"},
	{EPERM, "EPERM", "not permitted, often by a firewall rule or a security policy"},
	{ENOENT, "ENOENT", "no engine has that name"},
	{EINTR, "EINTR", "a signal arrived before anything else"},
	{EIO, "EIO", "the network device or its driver failed the operation"},
	{E2BIG, "E2BIG", "the option structure has fields this version does not know"},
	{EBADF, "EBADF", "the handle or descriptor is closed, or refers to something else now"},
	{ECHILD, "ECHILD", "the handle belongs to the parent process"},
	{EAGAIN, "EAGAIN", "nothing can be done now without blocking"},
	{ENOMEM, "ENOMEM", "out of memory"},
	{EACCES, "EACCES", "not allowed, such as a broadcast without SO_BROADCAST"},
	{EFAULT, "EFAULT", "no such region, or memory that cannot be used this way"},
	{EBUSY, "EBUSY", "still in use"},
	{EEXIST, "EEXIST", "the socket has a request queue already"},
	{EINVAL, "EINVAL", "an argument is not valid"},
	{ENFILE, "ENFILE", "the system has no descriptor left"},
	{EMFILE, "EMFILE", "the process has no descriptor left"},
	{ENOSPC, "ENOSPC", "the user's limit of watched descriptors is reached"},
	{EPIPE, "EPIPE", "the sending side is shut down"},
	{ENOTSOCK, "ENOTSOCK", "the descriptor is not a socket"},
	{EDESTADDRREQ, "EDESTADDRREQ", "no destination: the socket is not connected"},
	{EPROTO, "EPROTO", "the other side answered with a protocol error"},
	{ENOPROTOOPT, "ENOPROTOOPT",
	 "the kernel or the other side does not have this protocol or option"},
	{EMSGSIZE, "EMSGSIZE", "the message is longer than its slice, or than the path allows"},
	{EOPNOTSUPP, "EOPNOTSUPP", "this kind of socket or operation is not supported"},
	{EAFNOSUPPORT, "EAFNOSUPPORT", "the address family does not fit the socket"},
	{EADDRINUSE, "EADDRINUSE", "the address is in use"},
	{EADDRNOTAVAIL, "EADDRNOTAVAIL", "the address is not one of this machine"},
	{ENETDOWN, "ENETDOWN", "the network interface is down"},
	{ENETUNREACH, "ENETUNREACH", "no route to the network"},
	{ENONET, "ENONET", "the host is isolated from the network"},
	{ECONNABORTED, "ECONNABORTED", "the connection was aborted"},
	{ECONNRESET, "ECONNRESET", "the connection was reset by the peer"},
	{ENOBUFS, "ENOBUFS",
	 "a limit is reached: outstanding requests, queue room or kernel memory"},
	{EISCONN, "EISCONN", "the socket is connected already"},
	{ENOTCONN, "ENOTCONN", "the socket is not connected"},
	{ESHUTDOWN, "ESHUTDOWN", "the socket is shut down"},
	{ETOOMANYREFS, "ETOOMANYREFS", "less than what is in use"},
	{ETIMEDOUT, "ETIMEDOUT", "the time limit was reached"},
	{ECONNREFUSED, "ECONNREFUSED", "nothing listens at the destination"},
	{EHOSTDOWN, "EHOSTDOWN", "the host is down"},
	{EHOSTUNREACH, "EHOSTUNREACH", "no route to the host"},
	{EALREADY, "EALREADY", "the notification is armed already"},
	{ECANCELED, "ECANCELED", "cancelled, or the request queue was closed"},
	{ENOTSUP, "ENOTSUP", "not supported here"},
	{ENOSYS, "ENOSYS", "the kernel does not have this function"},
};

static const struct error_entry *error_find(int error)
{
	/* Negating INT_MIN would overflow; no errno is near it. */
	int value = error < 0 && error > -4096 ? -error : error;

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (errors[i].value == value)
			return &errors[i];
	}
	return NULL;
}

const char *regio_error_name(int error)
{
	const struct error_entry *entry = error_find(error);

	return entry ? entry->name : "EUNKNOWN";
}

const char *regio_error_text(int error)
{
	const struct error_entry *entry = error_find(error);

	return entry ? entry->text : "an error regio has no text for; see errno(3)";
}

static _Thread_local char last_error[320];
static _Thread_local const char *last_text = "";

void regioi_explain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(last_error, sizeof(last_error), format, arguments);
	va_end(arguments);
	last_text = last_error;
}

void regioi_explain_plainly(const char *text)
{
	last_text = text;
}

int regioi_refuse_handle(const void *handle, const char *step, const char *what)
{
	int error = regioi_table_reason((uintptr_t)handle, -EBADF);

	return regioi_fail(error, "%s: the %s is %s", step, what,
			   error == -ECHILD ? "of the parent process" : "NULL or closed");
}

const char *regio_last_error(void)
{
	return last_text;
}

uint32_t regio_version(void)
{
	return REGIO_VERSION_MAJOR << 16 | REGIO_VERSION_MINOR << 8 | REGIO_VERSION_PATCH;
}
