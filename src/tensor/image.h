/* Pictures as input of models: PNG and JPEG files, hostile ones included, through libpng and
 * libjpeg-turbo, and the preparation that networks for ImageNet expect. */
#ifndef AY_TENSOR_IMAGE_H
#define AY_TENSOR_IMAGE_H

#include "tensor/ndarray.h"
#include "tensor/reason.h"

#define AY_MAX_IMAGE_SIDE   16384u
#define AY_MAX_IMAGE_BYTES  (256u << 20) /* of the file */
#define AY_IMAGENET_SIDE    224u
#define AY_IMAGENET_SHORTER 256u

/* Reads a picture, told by its first bytes, as u8 (height, width, 3): RGB, grey spread over the
 * three, transparency put on black, 16 bits cut to 8. limit_bytes: of out->data.
 * AY_E_NOT_FOUND, AY_E_IO, AY_E_FORMAT, AY_E_UNSUPPORTED (neither kind), AY_E_LIMIT (a side above
 * AY_MAX_IMAGE_SIDE, memory), AY_E_MEMORY, with a reason. *out is the caller's to free. */
enum ay_code ay_image_read(const char *path, uint64_t limit_bytes, struct ay_ndarray *out,
                           struct ay_reason *reason) AY_MUST;

/* What torchvision's evaluation transforms make of it, f32 (1, 3, 224, 224): the shorter side
 * resized to 256 by a triangle filter that covers what a pixel becomes (Pillow's BILINEAR, rounded
 * to u8 after each of the two directions), the middle 224 x 224, (x / 255 - mean) / deviation of
 * each channel. Source: https://pytorch.org/vision/stable/models.html. AY_E_MEMORY; AY_E_LIMIT: a
 * side would exceed AY_MAX_IMAGE_SIDE. */
enum ay_code ay_image_imagenet(const struct ay_ndarray *image, struct ay_ndarray *out) AY_MUST;

#endif
