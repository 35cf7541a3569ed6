#ifndef CZLIB_SHIM_H
#define CZLIB_SHIM_H
// Without ZLIB_CONST: other modules of one program see the same structures in zlib.h, and they must not differ.
#include <zlib.h>
#endif
