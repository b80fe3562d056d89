/* Operators of select.c's table that are tables of cosines, and products with them. */
#ifndef AY_TENSOR_LOWER_SIGNAL_H
#define AY_TENSOR_LOWER_SIGNAL_H

#include "tensor/lower/lower.h"

ay_lower_fn ay_lower_dft, ay_lower_stft, ay_lower_hann_window, ay_lower_hamming_window,
    ay_lower_blackman_window, ay_lower_mel_weight_matrix;

#endif
