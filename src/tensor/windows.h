/* Which VIEWs of bytes need not be stored for the largest of each of their rows. Internal to the
 * executor. */
#ifndef AY_TENSOR_WINDOWS_H
#define AY_TENSOR_WINDOWS_H

#include "tensor/program.h"

/* view: a checked VIEW that `user` alone reads. */
bool ay_windows_are(const struct ay_work_op *view, const struct ay_work_op *user);

#endif
