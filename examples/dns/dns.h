/* SPDX-License-Identifier: MIT */
/*
 * What the three DNS responders share: a socket, and answers from memory.
 */
#ifndef REGIO_EXAMPLES_DNS_H
#define REGIO_EXAMPLES_DNS_H

#include <stdint.h>

/* The most that is received and sent: no response is longer (RFC 1035, 4.2.1). */
enum { DNS_BYTES = 512 };

/*
 * A UDP socket that is bound to the address and port of the command line, [ADDRESS [PORT]], or to
 * a free port of 127.0.0.1. Prints the port. Ends the program if there is no such address.
 */
int dns_socket(int argc, char **argv);

/*
 * Turns the query of 'length' bytes in 'message', which has room for DNS_BYTES, into its response.
 * Returns the length of the response; 0 if there is none.
 */
uint32_t dns_answer(uint8_t *message, uint32_t length);

#endif
