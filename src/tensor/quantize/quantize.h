/* Makes a model of fewer bits from a model (docs/quantize.md). */
#ifndef AY_TENSOR_QUANTIZE_QUANTIZE_H
#define AY_TENSOR_QUANTIZE_QUANTIZE_H

#include "tensor/model.h"

/* Writes `from` in profile q8 to the folder `dir`, which must not exist; it appears whole or not at
 * all. `from_dir` is where `from` was opened. AY_E_UNSUPPORTED: no product has weights.
 * AY_E_FORMAT, AY_E_RANGE: a weight cannot be quantised (tensor/quantize/q8.h). AY_E_EXISTS,
 * AY_E_IO, AY_E_DISK_FULL, AY_E_LIMIT, AY_E_MEMORY; all with a reason. */
enum ay_code ay_quantize_model(const struct ay_model *from, const char *from_dir, const char *dir,
                               struct ay_reason *reason) AY_MUST;

#endif
