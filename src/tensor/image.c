#include "tensor/image.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* After stdio, which it needs. */
#include <jpeglib.h>

static enum ay_code take_pixels(uint64_t height, uint64_t width, uint64_t limit,
                                struct ay_ndarray *out, struct ay_reason *reason)
{
    *out = (struct ay_ndarray){
        .dtype = AY_WORK_DTYPE_U8, .rank = 3, .dims = {height, width, 3}, .data = NULL};
    if (height == 0 || width == 0 || height > AY_MAX_IMAGE_SIDE || width > AY_MAX_IMAGE_SIDE)
        return ay_reject(reason, AY_E_LIMIT, "%llu x %llu pixels, at most %u a side are taken",
                         (unsigned long long)width, (unsigned long long)height, AY_MAX_IMAGE_SIDE);
    if (height * width * 3 > limit)
        return ay_reject(reason, AY_E_LIMIT, "needs %llu bytes of memory, %llu are allowed",
                         (unsigned long long)(height * width * 3), (unsigned long long)limit);
    return ay_ndarray_take(out);
}

/* PNG, by libpng's simplified interface: it sets up error handling and transformations itself. */
static enum ay_code read_png(FILE *f, uint64_t limit, struct ay_ndarray *out,
                             struct ay_reason *reason)
{
    static const png_color black = {0, 0, 0};
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_stdio(&image, f))
        return ay_reject(reason, AY_E_FORMAT, "%s", image.message);
    image.format = PNG_FORMAT_RGB;
    enum ay_code code = take_pixels(image.height, image.width, limit, out, reason);
    if (code == AY_OK && !png_image_finish_read(&image, &black, out->data, 0, NULL))
        code = ay_reject(reason, AY_E_FORMAT, "%s", image.message);
    png_image_free(&image);
    return code;
}

/* JPEG. The library leaves by longjmp when it meets an error. */
struct jpeg {
    struct jpeg_error_mgr errors;
    jmp_buf leave;
    char text[JMSG_LENGTH_MAX];
};

static void leave(j_common_ptr info)
{
    struct jpeg *j = (struct jpeg *)(void *)info->err;
    info->err->format_message(info, j->text);
    longjmp(j->leave, 1);
}

/* Damaged data is an error, not something to be filled in. */
static void warn(j_common_ptr info, int level)
{
    if (level < 0) leave(info);
}

static enum ay_code decode_jpeg(struct jpeg_decompress_struct *info, uint64_t limit,
                                struct ay_ndarray *out, struct ay_reason *reason)
{
    (void)jpeg_read_header(info, TRUE);
    if (info->jpeg_color_space == JCS_CMYK || info->jpeg_color_space == JCS_YCCK)
        return ay_reject(reason, AY_E_UNSUPPORTED, "CMYK colours");
    info->out_color_space = JCS_RGB;
    /* Of a progressive picture the library keeps all coefficients, twice the pixels' bytes. */
    AY_TRY(take_pixels(info->image_height, info->image_width, limit / 3, out, reason));
    (void)jpeg_start_decompress(info);
    while (info->output_scanline < info->output_height) {
        uint8_t *row =
            (uint8_t *)out->data + (size_t)info->output_scanline * info->output_width * 3;
        (void)jpeg_read_scanlines(info, &row, 1);
    }
    (void)jpeg_finish_decompress(info);
    return AY_OK;
}

static enum ay_code read_jpeg(FILE *f, uint64_t limit, struct ay_ndarray *out,
                              struct ay_reason *reason)
{
    struct jpeg_decompress_struct info;
    struct jpeg j;
    enum ay_code code;
    info.err = jpeg_std_error(&j.errors);
    j.errors.error_exit = leave;
    j.errors.emit_message = warn;
    if (setjmp(j.leave) == 0) {
        jpeg_create_decompress(&info);
        jpeg_stdio_src(&info, f);
        code = decode_jpeg(&info, limit, out, reason);
    } else {
        code = ay_reject(reason, AY_E_FORMAT, "%.200s", j.text);
    }
    jpeg_destroy_decompress(&info);
    return code;
}

enum ay_code ay_image_read(const char *path, uint64_t limit, struct ay_ndarray *out,
                           struct ay_reason *reason)
{
    static const uint8_t png[] = {0x89, 'P', 'N', 'G'}, jpeg[] = {0xff, 0xd8, 0xff};
    uint8_t first[4] = {0};
    struct stat info;
    struct ay_reason why = {"neither PNG nor JPEG"};
    enum ay_code code = AY_E_UNSUPPORTED;
    *out = (struct ay_ndarray){0};
    FILE *f = fopen(path, "rbe");
    if (!f)
        return ay_reject(reason, errno == ENOENT ? AY_E_NOT_FOUND : AY_E_IO, "%.160s: %s", path,
                         strerror(errno));
    if (fstat(fileno(f), &info) != 0 || !S_ISREG(info.st_mode) ||
        info.st_size > AY_MAX_IMAGE_BYTES) {
        code = ay_reject(&why, AY_E_LIMIT, "no plain file of at most %u MiB",
                         AY_MAX_IMAGE_BYTES >> 20);
    } else if (fread(first, 1, sizeof first, f) == sizeof first && fseek(f, 0, SEEK_SET) == 0) {
        if (memcmp(first, png, sizeof png) == 0) code = read_png(f, limit, out, &why);
        if (memcmp(first, jpeg, sizeof jpeg) == 0) code = read_jpeg(f, limit, out, &why);
    }
    (void)fclose(f);
    if (code == AY_OK) return AY_OK;
    ay_ndarray_free(out);
    return ay_reject(reason, code, "%.100s: %.130s", path, why.text);
}
