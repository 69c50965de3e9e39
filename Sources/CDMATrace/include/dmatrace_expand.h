/* The format of an events file, and the macros that expand its argument lists.
 *
 *   DMATRACE_EVENT(provider, name, level, DMATRACE_ARGS(type, name, ...), DMATRACE_FIELDS(...))
 *
 * level is INFO (control) or DEBUG (data). LTTng's limit is ten arguments; for more, pass a pointer to a struct.
 * Fields are LTTng's field macros, lttng_ust_field_*. An event whose arguments have to be converted first is
 *
 *   DMATRACE_CONVERTED_EVENT(provider, name, level, DMATRACE_ARGS(...), DMATRACE_ARGS(...), DMATRACE_FIELDS(...))
 *
 * with the arguments of the call, then those for the fields; its emit function is written by hand. */
#ifndef DMATRACE_EXPAND_H
#define DMATRACE_EXPAND_H

/* Parenthesised, so that a list remains one macro argument. */
#define DMATRACE_ARGS(...) (__VA_ARGS__)
#define DMATRACE_FIELDS(...) (__VA_ARGS__)

/* (type, name, type, name) → "type name, type name", and → "name, name". */
#define DMATRACE_PARAMETERS(...) DMATRACE_SELECT_(__VA_ARGS__)(DMATRACE_PARAMETER_, __VA_ARGS__)
#define DMATRACE_NAMES(...) DMATRACE_SELECT_(__VA_ARGS__)(DMATRACE_NAME_, __VA_ARGS__)

#define DMATRACE_PARAMETER_(type, name) type name
#define DMATRACE_NAME_(type, name) name

#define DMATRACE_SELECT_(...) \
	DMATRACE_TWENTIETH_(__VA_ARGS__, DMATRACE_10_, odd, DMATRACE_9_, odd, DMATRACE_8_, odd, DMATRACE_7_, odd, \
		DMATRACE_6_, odd, DMATRACE_5_, odd, DMATRACE_4_, odd, DMATRACE_3_, odd, DMATRACE_2_, odd, DMATRACE_1_, odd)
#define DMATRACE_TWENTIETH_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, chosen, ...) chosen
#define DMATRACE_1_(of, type, name) of(type, name)
#define DMATRACE_2_(of, type, name, ...) of(type, name), DMATRACE_1_(of, __VA_ARGS__)
#define DMATRACE_3_(of, type, name, ...) of(type, name), DMATRACE_2_(of, __VA_ARGS__)
#define DMATRACE_4_(of, type, name, ...) of(type, name), DMATRACE_3_(of, __VA_ARGS__)
#define DMATRACE_5_(of, type, name, ...) of(type, name), DMATRACE_4_(of, __VA_ARGS__)
#define DMATRACE_6_(of, type, name, ...) of(type, name), DMATRACE_5_(of, __VA_ARGS__)
#define DMATRACE_7_(of, type, name, ...) of(type, name), DMATRACE_6_(of, __VA_ARGS__)
#define DMATRACE_8_(of, type, name, ...) of(type, name), DMATRACE_7_(of, __VA_ARGS__)
#define DMATRACE_9_(of, type, name, ...) of(type, name), DMATRACE_8_(of, __VA_ARGS__)
#define DMATRACE_10_(of, type, name, ...) of(type, name), DMATRACE_9_(of, __VA_ARGS__)

#endif
