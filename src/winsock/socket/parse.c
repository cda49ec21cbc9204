/* SPDX-License-Identifier: MIT */
/*
 * Addresses from text, and numbers in the order of the network.
 */
#include <net/if.h>

#include "winsock/socket/socket.h"
#include "winsock/win32/error.h"
#include "winsock/win32/text.h"

/* A decimal number up to the end of the text. */
static bool read_number(const char *text, unsigned long max, unsigned long *ret_number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*ret_number = strtoul(text, &end, 10);
	return *end == 0 && *ret_number <= max;
}

/* Cuts the text at the last separator, and reads the port after it. False if that is none. */
static bool cut_port(char *text, char separator, USHORT *ret_port)
{
	char *at = strrchr(text, separator);
	unsigned long port;

	if (!at)
		return true;
	if (!read_number(at + 1, 65535, &port) || port == 0)
		return false;
	*at = 0;
	*ret_port = htons((USHORT)port);
	return true;
}

static bool cut_scope(char *text, ULONG *ret_scope)
{
	char *at = strchr(text, '%');
	unsigned long scope;

	if (!at)
		return true;
	*at = 0;
	if (!read_number(at + 1, UINT32_MAX, &scope))
		scope = if_nametoindex(at + 1);
	*ret_scope = (ULONG)scope;
	return scope != 0;
}

/* "1.2.3.4", "1.2.3.4:80" */
static bool parse_4(char *text, SOCKADDR_IN *ret_name)
{
	*ret_name = (SOCKADDR_IN){.sin_family = AF_INET};
	return cut_port(text, ':', &ret_name->sin_port) &&
	       sys_inet_pton(AF_INET, text, &ret_name->sin_addr) == 1;
}

/* "2001:db8::1%2", "[2001:db8::1%2]:80" */
static bool parse_6(char *text, SOCKADDR_IN6 *ret_name)
{
	char *end = strchr(text, ']');

	*ret_name = (SOCKADDR_IN6){.sin6_family = AF_INET6};
	if (*text == '[') {
		if (!end || (end[1] != 0 && end[1] != ':') ||
		    !cut_port(end, ':', &ret_name->sin6_port))
			return false;
		*end = 0;
		text++;
	}
	return cut_scope(text, &ret_name->sin6_scope_id) &&
	       sys_inet_pton(AF_INET6, text, &ret_name->sin6_addr) == 1;
}

INT WSAAPI WSAStringToAddressA(LPSTR text, INT family, LPWSAPROTOCOL_INFOA protocol,
			       struct sockaddr *ret_address, LPINT length)
{
	char copy[REGIOI_WS_ADDRESS_TEXT];
	SOCKADDR_INET name;
	bool parsed = false;
	int size = family == AF_INET ? (int)sizeof(name.Ipv4) : (int)sizeof(name.Ipv6);

	if (!regioi_ws_started())
		return SOCKET_ERROR;
	if (!text || !ret_address || !length)
		return regioi_ws_fail(WSAEFAULT, SOCKET_ERROR);
	if (strlen(text) < sizeof(copy)) {
		memcpy(copy, text, strlen(text) + 1);
		if (family == AF_INET)
			parsed = parse_4(copy, &name.Ipv4);
		else if (family == AF_INET6)
			parsed = parse_6(copy, &name.Ipv6);
	}
	if (!parsed)
		return regioi_ws_fail(WSAEINVAL, SOCKET_ERROR);
	if (*length < size) {
		*length = size;
		return regioi_ws_fail(WSAEFAULT, SOCKET_ERROR);
	}
	memcpy(ret_address, &name, (size_t)size);
	*length = size;
	return 0;
}

INT WSAAPI WSAStringToAddressW(LPWSTR text, INT family, LPWSAPROTOCOL_INFOW protocol,
			       struct sockaddr *ret_address, LPINT length)
{
	char narrow[REGIOI_WS_ADDRESS_TEXT], none[1] = "";

	if (!text)
		return WSAStringToAddressA(NULL, family, NULL, ret_address, length);
	/* A longer text, or one with other characters, is not an address. */
	return WSAStringToAddressA(regioi_ws_narrow(narrow, sizeof(narrow), text) ? narrow : none,
				   family, NULL, ret_address, length);
}

/* ---- Numbers ---- */

/* All protocols of this library have the same order. */
static int check_number(SOCKET s, const void *ret_value)
{
	struct regioi_ws_socket *socket = regioi_ws_socket_enter(s);

	return socket ? regioi_ws_socket_leave_with(socket, ret_value ? 0 : WSAEFAULT)
		      : SOCKET_ERROR;
}

int WSAAPI WSAHtonl(SOCKET s, ULONG value, ULONG *ret_value)
{
	int result = check_number(s, ret_value);

	if (result == 0)
		*ret_value = htonl(value);
	return result;
}

int WSAAPI WSAHtons(SOCKET s, USHORT value, USHORT *ret_value)
{
	int result = check_number(s, ret_value);

	if (result == 0)
		*ret_value = htons(value);
	return result;
}

int WSAAPI WSANtohl(SOCKET s, ULONG value, ULONG *ret_value) REGIOI_WS_SAME_AS(WSAHtonl);
int WSAAPI WSANtohs(SOCKET s, USHORT value, USHORT *ret_value) REGIOI_WS_SAME_AS(WSAHtons);
