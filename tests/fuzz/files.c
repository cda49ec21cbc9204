/* SPDX-License-Identifier: MIT */
/*
 * files.c - the files that --list and --playback of the tool read
 *
 * Properties. Of any bytes: a playback is refused at the line where a plain reading of it stops,
 * and otherwise has the times and sizes of that reading. A list has an address for each of its
 * lines, each of which, written and read again, is the same, or is refused at a line that is the
 * first to be wrong: what is before it is accepted. What is refused is explained in one line that
 * names the file and the line. Names are looked up as numbers only.
 */
#include "said.h"
#include "target.h"

#include <sys/mman.h>
#include <unistd.h>

#include "address_list.h"
#include "load/playback.h"

#define LINE_MAX 510
#define ADDRESSES_MOST 6u

/* ---- The file ---- */

struct file {
	const uint8_t *at;
	size_t bytes;
	int fd;
	char path[64];
};

static struct file make_file(const uint8_t *at, size_t bytes)
{
	struct file file = {.at = at, .bytes = bytes, .fd = memfd_create("fuzz", MFD_CLOEXEC)};

	CHECK(file.fd >= 0 && write(file.fd, at, bytes) == (ssize_t)bytes, "no file");
	snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
	return file;
}

/* ---- A plain reading ---- */

struct line {
	unsigned long number;
	bool bad; /* too long, or no text */
	char text[LINE_MAX + 1];
};

static bool is_blank(char letter)
{
	return letter == ' ' || (letter >= '\t' && letter <= '\r');
}

static void keep_words(struct line *line, const char *text, size_t bytes)
{
	size_t first = 0, end = 0;

	while (end < bytes && text[end] != '#' && text[end] != '\r')
		end++;
	while (first < end && (text[first] == ' ' || text[first] == '\t'))
		first++;
	while (end > first && is_blank(text[end - 1]))
		end--;
	memcpy(line->text, text + first, end - first);
	line->text[end - first] = '\0';
}

/* The next line that has something; false at the end. */
static bool next_line(struct input *input, struct line *line)
{
	while (input_left(input)) {
		const uint8_t *end = memchr(input->at, '\n', input_left(input));
		size_t bytes = end ? (size_t)(end - input->at) : input_left(input);
		const char *text = (const char *)input->at;

		input->at += bytes + (end ? 1 : 0);
		line->number++;
		line->bad = bytes > LINE_MAX || memchr(text, 0, bytes);
		if (line->bad)
			return true;
		keep_words(line, text, bytes);
		if (line->text[0])
			return true;
	}
	return false;
}

/* Digits, as far as they go, of a number that stays below 2^60; where they end. */
static const char *plain_number(const char *text, uint64_t *ret_number)
{
	for (*ret_number = 0; *text >= '0' && *text <= '9'; text++) {
		if (*ret_number < 100000000000000000u)
			*ret_number = *ret_number * 10 + (uint64_t)(*text - '0');
	}
	return text;
}

/* "1.25, 64" */
static bool plain_message(const char *text, struct playback_message *ret_message)
{
	const char *next = plain_number(text, &ret_message->at_ns);
	uint64_t bytes, unit = 1000000000;

	if (next == text || ret_message->at_ns > 4000000000u)
		return false;
	ret_message->at_ns *= unit;
	if (*next == '.') {
		for (next++; *next >= '0' && *next <= '9'; next++) {
			unit /= 10;
			ret_message->at_ns += (uint64_t)(*next - '0') * unit;
		}
	}
	text = next;
	while (*next == ' ' || *next == '\t' || *next == ',')
		next++;
	if (next == text || *next < '0' || *next > '9')
		return false;
	next = plain_number(next, &bytes);
	ret_message->bytes = (uint32_t)bytes;
	return !*next && bytes >= 16 && bytes <= 65507;
}

/* ---- What was said ---- */

/* The number of the line that is refused; 0: the file is. */
static unsigned long refused_line(const struct said *said, const char *option,
				  const struct file *file)
{
	const char *text = said->texts[1];
	char begin[128];
	int bytes = snprintf(begin, sizeof(begin), "regio: %s %s", option, file->path);

	CHECK(said->sizes[0] == 0, "said on standard output: %s", said->texts[0]);
	CHECK(said->sizes[1] && !strncmp(text, begin, (size_t)bytes), "who says this: %s", text);
	CHECK(strchr(text, '\n') == text + said->sizes[1] - 1, "not one line: %s", text);
	if (strncmp(text + bytes, ", line ", 7) != 0)
		return 0;
	return strtoul(text + bytes + 7, NULL, 10);
}

static void check_silence(const struct said *said)
{
	CHECK(said->sizes[0] == 0 && said->sizes[1] == 0, "accepted, and said: %s%s",
	      said->texts[0], said->texts[1]);
}

/* ---- Playback ---- */

/* Compares up to the line where a plain reading stops, which is returned; 0: it does not. */
static unsigned long compare_playback(struct input lines, const struct playback *playback,
				      uint64_t *ret_count)
{
	struct playback_message message;
	struct line line = {0};
	uint64_t first_ns = 0, last_ns = 0;

	*ret_count = 0;
	while (next_line(&lines, &line)) {
		if (line.bad || !plain_message(line.text, &message))
			return line.number;
		if (*ret_count == 0)
			first_ns = last_ns = message.at_ns;
		if (message.at_ns < last_ns)
			return line.number;
		last_ns = message.at_ns;
		if (*ret_count < playback->count) {
			const struct playback_message *read = &playback->messages[*ret_count];

			CHECK(read->at_ns == message.at_ns - first_ns &&
				      read->bytes == message.bytes &&
				      read->bytes >= playback->bytes_least &&
				      read->bytes <= playback->bytes_most,
			      "line %lu", line.number);
		}
		(*ret_count)++;
	}
	return 0;
}

static void check_playback(const struct file *file)
{
	struct input lines = {file->at, file->at + file->bytes};
	struct playback playback;
	unsigned long wrong;
	struct said said;
	uint64_t count;
	int status;

	said_begin(&said);
	status = playback_read(file->path, &playback);
	said_end(&said);
	wrong = compare_playback(lines, &playback, &count);
	if (status == 0) {
		check_silence(&said);
		CHECK(wrong == 0 && count == playback.count, "line %lu is wrong", wrong);
	} else {
		CHECK(status == -1 && !playback.messages, "status %d", status);
		CHECK(refused_line(&said, "--playback", file) == wrong, "line %lu is wrong: %s",
		      wrong, said.texts[1]);
		CHECK(wrong || count == 0, "refused without a reason: %s", said.texts[1]);
	}
	playback_free(&playback);
	said_free(&said);
}

/* ---- Lists ---- */

static void check_again(const struct address *address)
{
	struct address_text text = address_text(address);
	struct address again;

	CHECK(address_read(text.text, &again) == 0 && address_is_same(address, &again), "%s",
	      text.text);
}

static void check_addresses(const struct address_list *list, struct input lines)
{
	struct line line = {0};
	uint32_t count = 0;

	while (next_line(&lines, &line)) {
		const char *port = strrchr(line.text, ':');
		uint64_t number;

		CHECK(!line.bad && count < list->count && port, "line %lu", line.number);
		CHECK(!*plain_number(port + 1, &number) &&
			      number == address_port(&list->addresses[count]),
		      "the port of line %lu", line.number);
		check_again(&list->addresses[count++]);
	}
	CHECK(count == list->count, "%u addresses of %u lines", list->count, count);
}

/* The bytes before that line, or up to its end. */
static size_t bytes_to_line(const struct file *file, unsigned long number)
{
	const uint8_t *at = file->at, *end = file->at + file->bytes;

	while (--number > 0) {
		at = memchr(at, '\n', (size_t)(end - at));
		CHECK(at, "there is no such line");
		at++;
	}
	return (size_t)(at - file->at);
}

static bool has_lines(struct input lines)
{
	struct line line = {0};

	return next_line(&lines, &line);
}

/* What is before the line is right; and is the line the one that is wrong? */
static void check_list(const struct file *file, bool tcp, uint32_t most, bool to_be_right)
{
	struct input lines = {file->at, file->at + file->bytes};
	struct address_list list;
	unsigned long wrong = 0;
	struct said said;
	int status;

	said_begin(&said);
	status = address_list_read(file->path, tcp, most, &list);
	said_end(&said);
	if (status == 0) {
		check_silence(&said);
		CHECK(list.count <= most, "%u addresses", list.count);
		check_addresses(&list, lines);
	} else {
		CHECK(status == -1 && !list.addresses, "status %d", status);
		wrong = refused_line(&said, "--list", file);
		CHECK(wrong > 0 || !has_lines(lines), "refused without a line: %s", said.texts[1]);
		CHECK(!to_be_right || !wrong, "is wrong alone: %s", said.texts[1]);
	}
	address_list_free(&list);
	said_free(&said);
	if (wrong > 0) {
		struct file before = make_file(file->at, bytes_to_line(file, wrong));

		check_list(&before, tcp, most, true);
		close(before.fd);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};
	uint8_t kind = input_byte(&input);
	struct file file = make_file(input.at, input_left(&input));

	if (kind % 2 == 0)
		check_playback(&file);
	else
		check_list(&file, kind & 2, 1 + (kind >> 2) % ADDRESSES_MOST, false);
	close(file.fd);
	return 0;
}
