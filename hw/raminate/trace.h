#include "trace/trace-hw_raminate.h"
