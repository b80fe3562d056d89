/* Which VIEWs of bytes need not be stored for what is made of each of their rows. Internal to the
 * executor. */
#ifndef AY_TENSOR_WINDOWS_H
#define AY_TENSOR_WINDOWS_H

#include "tensor/program.h"

/* view: a checked VIEW that `user` alone reads. Whether that is the largest of each row; whether it
 * is products of its rows (groups, N, K) with a few rows of bytes for each group. */
bool ay_windows_are(const struct ay_work_op *view, const struct ay_work_op *user);
bool ay_windows_multiply(const struct ay_work_op *view, const struct ay_work_op *user);

#endif
