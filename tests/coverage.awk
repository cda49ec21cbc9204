# SPDX-License-Identifier: MIT
#
# Sums of what gcovr writes as CSV: a line for each directory, and one for all.

NR > 1 {
	directory = $1
	sub("/[^/]*$", "", directory)
	lines[directory] += $2
	reached[directory] += $3
	all_lines += $2
	all_reached += $3
}

END {
	for (directory in lines)
		print row(directory, reached[directory], lines[directory]) | "sort"
	close("sort")
	print row("all", all_reached, all_lines)
}

function row(name, reached_count, count) {
	return sprintf("%-12s %6d of %6d lines, %5.1f %%", name, reached_count, count,
		100 * reached_count / count)
}
