/* SPDX-License-Identifier: MIT */
/*
 * sal.h - Microsoft's source annotations, which have no meaning for other compilers
 */
#ifndef REGIO_WINSOCK_SAL_H
#define REGIO_WINSOCK_SAL_H

#define _In_
#define _In_opt_
#define _In_z_
#define _In_opt_z_
#define _In_reads_(count)
#define _In_reads_opt_(count)
#define _In_reads_bytes_(count)
#define _In_reads_bytes_opt_(count)
#define _In_range_(low, high)
#define _Out_
#define _Out_opt_
#define _Out_writes_(count)
#define _Out_writes_opt_(count)
#define _Out_writes_bytes_(count)
#define _Out_writes_bytes_opt_(count)
#define _Out_writes_to_(size, count)
#define _Out_writes_bytes_to_(size, count)
#define _Outptr_
#define _Outptr_opt_
#define _Inout_
#define _Inout_opt_
#define _Inout_updates_(count)
#define _Inout_updates_bytes_(count)
#define _Ret_maybenull_
#define _Ret_notnull_
#define _Reserved_
#define _Frees_ptr_opt_
#define _Must_inspect_result_
#define _Check_return_
#define _Success_(expression)
#define _Pre_satisfies_(expression)
#define _Post_satisfies_(expression)
#define _Use_decl_annotations_
#define _Acquires_lock_(lock)
#define _Releases_lock_(lock)
#define _Requires_lock_held_(lock)
#define _Guarded_by_(lock)
#define _Field_size_(count)
#define _Field_size_bytes_(count)
#define _Function_class_(name)
#define _IRQL_requires_max_(level)
#define _Null_terminated_
#define _Printf_format_string_
#define _Analysis_assume_(expression)
#define __analysis_assume(expression)
#define IN
#define OUT
#define OPTIONAL

#endif
