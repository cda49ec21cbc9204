# SPDX-License-Identifier: MIT
#
# From regio.h the declarations alone, for tools that read C without a preprocessor: no includes, no
# conditions, no macros but those that are numbers.

# REUSE-IgnoreStart
BEGIN {
	print "/* SPDX-License-Identifier: MIT */"
	print "/* Made from regio.h, which is for C and C++: this is for tools that make bindings. */"
}

/^#ifdef __cplusplus/ { cplusplus = 1 }
/^#endif/ { cplusplus = 0 }
cplusplus || /^REGIO_STATIC_ASSERT\(/ || /SPDX-License-Identifier/ { next }
# REUSE-IgnoreEnd

/^#/ && !/^#define REGIO_[A-Z0-9_]+[ \t]+(0x)?[0-9A-Fa-f]+[uUlL]*([ \t]|$)/ { next }

# What is left out leaves no holes.
/^$/ { if (empty++) next }
/./ { empty = 0 }

{
	sub(/^REGIO_API /, "")
	print
}
