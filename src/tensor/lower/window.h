/* Windows that slide over an image: what convolutions and poolings have in common. */
#ifndef AY_TENSOR_LOWER_WINDOW_H
#define AY_TENSOR_LOWER_WINDOW_H

#include "tensor/lower/terms.h"

/* One axis fewer than what a window's VIEW has room for, twice over. */
#define AY_MAX_WINDOW_AXES 3

/* Of an image (N, C, in...). All sizes are at least 1 and below 2^31. */
struct ay_window {
    uint32_t axes;
    uint64_t in[AY_MAX_WINDOW_AXES], kernel[AY_MAX_WINDOW_AXES], out[AY_MAX_WINDOW_AXES];
    int64_t stride[AY_MAX_WINDOW_AXES], dilation[AY_MAX_WINDOW_AXES];
    int64_t before[AY_MAX_WINDOW_AXES], after[AY_MAX_WINDOW_AXES]; /* padding */
    uint64_t positions;                                            /* product of out */
    uint64_t taps;                                                 /* product of kernel */
};

/* All but the positions (out, positions), and without regard to auto_pad: what a transposed
 * convolution has. */
bool ay_window_shape(const struct ay_lower *l, term x, const uint64_t *kernel,
                     struct ay_window *out);

/* From the attributes kernel_shape (or `kernel`, where that is not NULL), strides, dilations, pads,
 * auto_pad and ceil_mode; x is (N, C, in...). Fails and returns false when they do not fit. */
bool ay_window_read(const struct ay_lower *l, term x, const uint64_t *kernel,
                    struct ay_window *out);

/* The windows of x (N, C, in...), C = groups * channels: (groups, N * positions, channels * taps),
 * without the first axis if groups is 1; outside the image they hold `fill`. */
term ay_window_rows(const struct ay_lower *l, term x, const struct ay_window *w, uint64_t groups,
                    uint64_t fill);
/* Weights (M, C / groups, kernel...) times such rows, as (N, M, out...). */
term ay_window_product(const struct ay_lower *l, term weights, term rows, const struct ay_window *w,
                       uint64_t batch, uint64_t groups);
/* Adds b (C), unless it is NULL, to every element of its channel. */
term ay_window_bias(const struct ay_lower *l, term y, term b);
/* The windows of each channel: (N * C, positions, taps). */
term ay_window_channels(const struct ay_lower *l, term x, const struct ay_window *w, uint64_t fill);

ay_lower_fn ay_lower_conv_float;  /* Conv, conv.c */
ay_lower_fn ay_lower_deform_conv; /* deform.c */
ay_lower_fn ay_lower_max_pool;    /* pool.c */
/* The average of each window of x by the node's attributes, f32 (pool.c). */
term ay_term_average_pool(const struct ay_lower *l, term x);
/* The average of each plane (N, C, ..) of x, f32, as (N, C, 1, ..) (pool.c). */
term ay_term_global_average(const struct ay_lower *l, term x);

#endif
