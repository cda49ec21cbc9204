/* SPDX-License-Identifier: MIT */
/*
 * Explained failures. Control calls end with 'return regioi_fail(-EINVAL, "step: cause; remedy")',
 * so that regio_last_error() says what to change.
 */
#ifndef REGIO_BASE_ERROR_H
#define REGIO_BASE_ERROR_H

/* Stores the sentence for this thread. */
void regioi_explain(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

/*
 * For a failure that is part of a program's normal work, and must cost little: 'text' is a literal.
 */
void regioi_explain_plainly(const char *text);

/* A macro, so that compilers and checkers see which error a function returns. */
#define regioi_fail(error, ...) (regioi_explain(__VA_ARGS__), (error))

/* Explains why there is no object with this handle; 'what' names it. Returns -ECHILD or -EBADF. */
int regioi_refuse_handle(const void *handle, const char *step, const char *what)
	__attribute__((cold));

#endif
