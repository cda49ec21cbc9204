/* SPDX-License-Identifier: MIT */
/*
 * FormatMessage: the texts of the errors that the library returns.
 */
#include <stdio.h>

#include "winsock/win32/error.h"
#include "winsock/win32/text.h"

static const struct {
	DWORD error;
	const char *text;
} messages[] = {
	{ERROR_SUCCESS, "The operation succeeded."},
	{ERROR_INVALID_FUNCTION, "The function is not valid here."},
	{ERROR_FILE_NOT_FOUND, "The file was not found."},
	{ERROR_TOO_MANY_OPEN_FILES, "Too many files are open."},
	{ERROR_ACCESS_DENIED, "Access is denied."},
	{ERROR_INVALID_HANDLE, "The handle is not valid."},
	{ERROR_NOT_ENOUGH_MEMORY, "There is not enough memory."},
	{ERROR_OUTOFMEMORY, "There is not enough memory."},
	{ERROR_NOT_SUPPORTED, "The request is not supported."},
	{ERROR_NETNAME_DELETED, "The connection was lost."},
	{ERROR_INVALID_PARAMETER, "A parameter is not valid."},
	{ERROR_SEM_TIMEOUT, "The operation timed out."},
	{ERROR_INSUFFICIENT_BUFFER, "The buffer is too small."},
	{ERROR_BUSY, "The resource is in use."},
	{ERROR_ALREADY_EXISTS, "It exists already."},
	{ERROR_MORE_DATA, "There is more data than the buffer holds."},
	{WAIT_TIMEOUT, "The wait timed out."},
	{ERROR_INVALID_ADDRESS, "The address is not valid."},
	{ERROR_ABANDONED_WAIT_0, "The handle was closed while a thread waited for it."},
	{WSA_OPERATION_ABORTED, "The operation was cancelled, or its socket closed."},
	{WSA_IO_INCOMPLETE, "The overlapped operation has not finished."},
	{WSA_IO_PENDING, "The overlapped operation is in progress."},
	{ERROR_NOT_FOUND, "There is no such element."},
	{ERROR_CONNECTION_REFUSED, "The other end refused the connection."},
	{ERROR_HOST_UNREACHABLE, "The host cannot be reached."},
	{ERROR_NETWORK_UNREACHABLE, "The network cannot be reached."},
	{ERROR_PORT_UNREACHABLE, "Nothing listens on that port."},
	{ERROR_CONNECTION_ABORTED, "The connection was ended by this host."},
	{ERROR_TIMEOUT, "The operation timed out."},
	{WSAEINTR, "The call was interrupted, for instance because its socket was closed."},
	{WSAEBADF, "The file handle is not valid."},
	{WSAEACCES, "The socket may not be used like that."},
	{WSAEFAULT, "An address, a length or a buffer id is not valid."},
	{WSAEINVAL, "An argument is not valid."},
	{WSAEMFILE, "Too many sockets are open."},
	{WSAEWOULDBLOCK, "The operation cannot complete without waiting."},
	{WSAEINPROGRESS, "Another blocking operation is in progress."},
	{WSAEALREADY, "The operation is in progress already."},
	{WSAENOTSOCK, "It is not a socket."},
	{WSAEDESTADDRREQ, "An address is needed."},
	{WSAEMSGSIZE, "The message is longer than its buffer, or than can be sent."},
	{WSAEPROTOTYPE, "The protocol does not match the type of the socket."},
	{WSAENOPROTOOPT, "The option is not known, or not supported, at that level."},
	{WSAEPROTONOSUPPORT, "The protocol is not supported."},
	{WSAESOCKTNOSUPPORT, "The type of socket is not supported."},
	{WSAEOPNOTSUPP, "The operation is not supported."},
	{WSAEPFNOSUPPORT, "The protocol family is not supported."},
	{WSAEAFNOSUPPORT, "The address family is not supported."},
	{WSAEADDRINUSE, "The address is in use."},
	{WSAEADDRNOTAVAIL, "The address is not valid here."},
	{WSAENETDOWN, "The network is down."},
	{WSAENETUNREACH, "The network cannot be reached."},
	{WSAENETRESET, "The connection was broken by the network."},
	{WSAECONNABORTED, "The connection was ended by this host."},
	{WSAECONNRESET, "The connection was reset by the other end."},
	{WSAENOBUFS, "There is no room in a queue, or not enough memory."},
	{WSAEISCONN, "The socket is connected already."},
	{WSAENOTCONN, "The socket is not connected, and no address was given."},
	{WSAESHUTDOWN, "The socket has been shut down."},
	{WSAETOOMANYREFS, "More is in use than the new size allows."},
	{WSAETIMEDOUT, "The other end did not answer in time."},
	{WSAECONNREFUSED, "The other end refused the connection."},
	{WSAEHOSTDOWN, "The host is down."},
	{WSAEHOSTUNREACH, "The host cannot be reached."},
	{WSASYSNOTREADY, "The network is not ready."},
	{WSAVERNOTSUPPORTED, "That version of Winsock is not supported."},
	{WSANOTINITIALISED, "WSAStartup has not been called."},
	{WSATYPE_NOT_FOUND, "There is no such service."},
	{WSAHOST_NOT_FOUND, "There is no such host."},
	{WSATRY_AGAIN, "The host was not found now; it may be later."},
	{WSANO_RECOVERY, "The name could not be looked up."},
	{WSANO_DATA, "The name has no address of that kind."},
};

static const char *message_of(DWORD error)
{
	for (size_t i = 0; i < ARRAYSIZE(messages); i++)
		if (messages[i].error == error)
			return messages[i].text;
	return NULL;
}

/*
 * Returns the length of the text with its line end, or 0 with the last error set. 'width' is that
 * of a character.
 */
static DWORD format(DWORD flags, DWORD message, void *buffer, DWORD size, size_t width)
{
	/* One line, where the program asks for no line ends. */
	const char *end = (flags & FORMAT_MESSAGE_MAX_WIDTH_MASK) == FORMAT_MESSAGE_MAX_WIDTH_MASK
				  ? " "
				  : "\r\n";
	const char *found = message_of(message);
	char text[256];
	DWORD length;

	if (!(flags & FORMAT_MESSAGE_FROM_SYSTEM) || flags & FORMAT_MESSAGE_FROM_STRING)
		return (DWORD)regioi_ws_fail(ERROR_NOT_SUPPORTED, 0);
	if (!found)
		return (DWORD)regioi_ws_fail(ERROR_MR_MID_NOT_FOUND, 0);
	length = (DWORD)snprintf(text, sizeof(text), "%s%s", found, end);
	if (flags & FORMAT_MESSAGE_ALLOCATE_BUFFER) {
		void *memory = malloc((length + 1 > size ? length + 1 : size) * width);

		if (!memory)
			return (DWORD)regioi_ws_fail(ERROR_NOT_ENOUGH_MEMORY, 0);
		memcpy(buffer, &memory, sizeof(memory));
		buffer = memory;
		size = length + 1;
	}
	if (size < length + 1)
		return (DWORD)regioi_ws_fail(ERROR_INSUFFICIENT_BUFFER, 0);
	if (width == 1)
		memcpy(buffer, text, length + 1);
	else
		regioi_ws_widen(buffer, text);
	return length;
}

DWORD WINAPI FormatMessageA(DWORD flags, LPCVOID source, DWORD message, DWORD language,
			    LPSTR buffer, DWORD size, void *arguments)
{
	return format(flags, message, buffer, size, 1);
}

DWORD WINAPI FormatMessageW(DWORD flags, LPCVOID source, DWORD message, DWORD language,
			    LPWSTR buffer, DWORD size, void *arguments)
{
	return format(flags, message, buffer, size, sizeof(WCHAR));
}
