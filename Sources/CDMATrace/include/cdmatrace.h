#ifndef CDMATRACE_H
#define CDMATRACE_H
#endif
