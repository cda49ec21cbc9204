/* SPDX-License-Identifier: MIT */
/*
 * Files beside files, and rename().
 */
#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that was not there before is not there afterwards; a pipe is not opened: it would end. */
int output_file_check(const char *path)
{
	struct stat status;
	bool new = stat(path, &status) != 0;
	int file;

	if (!new && !S_ISREG(status.st_mode))
		return access(path, W_OK) ? -errno : 0;
	file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (file < 0)
		return -errno;
	close(file);
	if (new)
		unlink(path);
	return 0;
}

static int open_in_place(struct output_file *file)
{
	int fd = open(file->target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	file->in_place = true;
	memcpy(file->part, file->target, sizeof(file->part));
	return fd < 0 ? -errno : fd;
}

int output_file_open(struct output_file *file, const char *path)
{
	struct stat status;
	int bytes, fd;

	/* What a link refers to is replaced, not the link. */
	if (!realpath(path, file->target) &&
	    snprintf(file->target, sizeof(file->target), "%s", path) >= (int)sizeof(file->target))
		return -ENAMETOOLONG;
	file->in_place = false;
	if (stat(file->target, &status))
		status = (struct stat){.st_mode = 0};
	else if (!S_ISREG(status.st_mode) || status.st_nlink > 1 || status.st_uid != geteuid())
		return open_in_place(file);
	bytes = snprintf(file->part, sizeof(file->part), "%s.%d.part", file->target, (int)getpid());
	if (bytes >= (int)sizeof(file->part))
		return open_in_place(file);
	fd = open(file->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return open_in_place(file);
	if (status.st_mode)
		fchmod(fd, status.st_mode & 07777);
	return fd;
}

int output_file_close(struct output_file *file, bool whole)
{
	int error = 0;

	if (file->in_place)
		return 0;
	if (whole && rename(file->part, file->target))
		error = -errno;
	if (!whole || error)
		unlink(file->part);
	return error;
}
