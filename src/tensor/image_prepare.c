/* From pixels to what a network for ImageNet takes. */
#include "tensor/image.h"

#include <math.h>
#include <stdlib.h>

/* One direction of a picture: `count` lines of `from` pixels become `to` pixels, an element of a
 * pixel being `step` bytes from the next one's. */
struct direction {
    uint64_t from, to;
    uint64_t lines, from_line, to_line; /* bytes from one line to the next */
    uint64_t from_step, to_step;        /* bytes from one pixel to the next */
};

/* Weights are numbers of 22 fraction bits and sums begin at a half, as Pillow has them. */
#define FRACTION_BITS 22
/* A pixel covers at most AY_MAX_IMAGE_SIDE / 256 of the others, on either side. */
#define MAX_WEIGHTS (2 * AY_MAX_IMAGE_SIDE / AY_IMAGENET_SHORTER + 2)

struct weights {
    uint64_t first, count; /* which pixels */
    int32_t values[MAX_WEIGHTS];
};

/* The triangle filter: result i weighs the pixels whose distance from its place is below scale. */
static void weigh(const struct direction *d, uint64_t i, struct weights *out)
{
    double ratio = (double)d->from / (double)d->to, scale = ratio > 1 ? ratio : 1;
    double centre = ((double)i + 0.5) * ratio, sum = 0, w[MAX_WEIGHTS];
    double low = floor(centre - scale + 0.5), high = floor(centre + scale + 0.5);
    out->first = low > 0 ? (uint64_t)low : 0;
    out->count = (high < (double)d->from ? (uint64_t)high : d->from) - out->first;
    AY_ASSERT(out->count <= MAX_WEIGHTS);
    for (uint64_t k = 0; k < out->count; k++) {
        w[k] = 1.0 - fabs(((double)(k + out->first) - centre + 0.5) * (1.0 / scale));
        if (w[k] < 0) w[k] = 0;
        sum += w[k];
    }
    for (uint64_t k = 0; k < out->count; k++)
        out->values[k] = (int32_t)(0.5 + w[k] * (1.0 / sum) * (1 << FRACTION_BITS));
}

static uint8_t weighted(const uint8_t *line, uint64_t step, const struct weights *w)
{
    int32_t sum = 1 << (FRACTION_BITS - 1);
    for (uint64_t k = 0; k < w->count; k++) sum += line[(w->first + k) * step] * w->values[k];
    sum >>= FRACTION_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static void resample(const uint8_t *from, uint8_t *to, const struct direction *d)
{
    struct weights w;
    for (uint64_t i = 0; i < d->to; i++) {
        weigh(d, i, &w);
        for (uint64_t line = 0; line < d->lines; line++)
            for (uint64_t c = 0; c < 3; c++)
                to[line * d->to_line + i * d->to_step + c] =
                    weighted(from + line * d->from_line + c, d->from_step, &w);
    }
}

/* The middle of (height, width, 3), as f32 (1, 3, 224, 224). */
static void normalise(const uint8_t *pixels, uint64_t height, uint64_t width, float *out)
{
    static const float mean[] = {0.485f, 0.456f, 0.406f}, deviation[] = {0.229f, 0.224f, 0.225f};
    /* Rounded to even, as Python's round. */
    uint64_t top = (uint64_t)lrint((double)(height - AY_IMAGENET_SIDE) / 2);
    uint64_t left = (uint64_t)lrint((double)(width - AY_IMAGENET_SIDE) / 2);
    for (uint64_t c = 0; c < 3; c++)
        for (uint64_t y = 0; y < AY_IMAGENET_SIDE; y++)
            for (uint64_t x = 0; x < AY_IMAGENET_SIDE; x++) {
                float v = (float)pixels[((top + y) * width + left + x) * 3 + c] / 255.0f;
                *out++ = (v - mean[c]) / deviation[c];
            }
}

enum ay_code ay_image_imagenet(const struct ay_ndarray *image, struct ay_ndarray *out)
{
    uint64_t h = image->dims[0], w = image->dims[1], shorter = h < w ? h : w;
    uint64_t new_h = h * AY_IMAGENET_SHORTER / shorter, new_w = w * AY_IMAGENET_SHORTER / shorter;
    *out = (struct ay_ndarray){
        .dtype = AY_WORK_DTYPE_F32, .rank = 4, .dims = {1, 3, AY_IMAGENET_SIDE, AY_IMAGENET_SIDE}};
    if (new_h > AY_MAX_IMAGE_SIDE || new_w > AY_MAX_IMAGE_SIDE) return AY_E_LIMIT;
    const struct direction across = {w, new_w, h, w * 3, new_w * 3, 3, 3};
    const struct direction down = {h, new_h, new_w, 3, 3, new_w * 3, new_w * 3};
    uint8_t *wide = malloc(h * new_w * 3), *small = malloc(new_h * new_w * 3);
    enum ay_code code = wide && small ? ay_ndarray_take(out) : AY_E_MEMORY;
    if (code == AY_OK) {
        resample(image->data, wide, &across);
        resample(wide, small, &down);
        normalise(small, new_h, new_w, out->data);
    }
    free(wide);
    free(small);
    return code;
}
