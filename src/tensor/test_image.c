/* Pictures: what is decoded, what is refused, and the values that Pillow 13 and numpy give for the
 * same picture. */
#include "tensor/image.h"

#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jpeglib.h>

#include <cmocka.h>

#define LIMIT (64u << 20)
#define WIDE  300u
#define HIGH  270u

static char path[] = "/tmp/assay-image-XXXXXX";

/* Column x of row y is (3x + 5y, xy, x) modulo 256. */
static void fill(uint8_t *pixels)
{
    for (uint32_t y = 0; y < HIGH; y++)
        for (uint32_t x = 0; x < WIDE; x++) {
            *pixels++ = (uint8_t)(3 * x + 5 * y);
            *pixels++ = (uint8_t)(x * y);
            *pixels++ = (uint8_t)x;
        }
}

static void write_png(const uint8_t *pixels)
{
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.width = WIDE;
    image.height = HIGH;
    image.format = PNG_FORMAT_RGB;
    assert_true(png_image_write_to_file(&image, path, 0, pixels, 0, NULL));
}

static void write_jpeg(uint8_t *pixels, J_COLOR_SPACE space, int channels)
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_stdio_dest(&info, f);
    info.image_width = 64;
    info.image_height = 48;
    info.input_components = channels;
    info.in_color_space = space;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, 100, TRUE);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        uint8_t *row = pixels + (size_t)info.next_scanline * 64 * (size_t)channels;
        (void)jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    assert_int_equal(fclose(f), 0);
}

static void test_image_png_gives_its_pixels(void **state)
{
    (void)state;
    static uint8_t pixels[HIGH * WIDE * 3];
    struct ay_ndarray a;
    fill(pixels);
    write_png(pixels);
    assert_int_equal(ay_image_read(path, LIMIT, &a, NULL), AY_OK);
    assert_int_equal(a.dims[0], HIGH);
    assert_int_equal(a.dims[1], WIDE);
    assert_memory_equal(a.data, pixels, sizeof pixels);
    ay_ndarray_free(&a);
    assert_int_equal(ay_image_read(path, sizeof pixels - 1, &a, NULL), AY_E_LIMIT);
}

static void test_image_imagenet_is_what_pillow_gives(void **state)
{
    (void)state;
    /* The element's index, and its bits. */
    static const struct {
        uint32_t at, bits;
    } golden[] = {
        {0, 0x3f728a94},     {150527, 0xbfce6db8}, {5930, 0x3e97e748},   {12892, 0xbea3bd75},
        {14168, 0x3f6e284a}, {27010, 0x3fa74d4f},  {27300, 0x3f1adcd2},  {35646, 0xbf180355},
        {50005, 0x4003dfd2}, {65197, 0x3ed49dc6},  {72110, 0x3eef81ce},  {87631, 0xbeeb9021},
        {93512, 0xbef486ce}, {120614, 0x3f1e4341}, {122154, 0x3de6f25d}, {130843, 0xbf4239b1}};
    static uint8_t pixels[HIGH * WIDE * 3];
    struct ay_ndarray a, x;
    fill(pixels);
    write_png(pixels);
    assert_int_equal(ay_image_read(path, LIMIT, &a, NULL), AY_OK);
    assert_int_equal(ay_image_imagenet(&a, &x), AY_OK);
    assert_int_equal(x.rank, 4);
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++)
        assert_memory_equal((const uint32_t *)x.data + golden[i].at, &golden[i].bits, 4);
    ay_ndarray_free(&a);
    ay_ndarray_free(&x);
}

static void test_image_jpeg_is_near_its_pixels(void **state)
{
    (void)state;
    static uint8_t grey[48 * 64];
    struct ay_ndarray a;
    for (size_t i = 0; i < sizeof grey; i++) grey[i] = (uint8_t)(i % 64 * 3 + i / 64);
    write_jpeg(grey, JCS_GRAYSCALE, 1);
    assert_int_equal(ay_image_read(path, LIMIT, &a, NULL), AY_OK);
    assert_int_equal(a.dims[0], 48);
    assert_int_equal(a.dims[1], 64);
    for (size_t i = 0; i < sizeof grey; i++)
        for (size_t c = 0; c < 3; c++)
            assert_in_range(((const uint8_t *)a.data)[3 * i + c] + 2, grey[i], grey[i] + 4);
    ay_ndarray_free(&a);
    static uint8_t inks[48 * 64 * 4];
    write_jpeg(inks, JCS_CMYK, 4);
    assert_int_equal(ay_image_read(path, LIMIT, &a, NULL), AY_E_UNSUPPORTED);
}

/* Each cut of a file, and each byte of its head changed, is refused with a reason or decoded. */
static void damage(void)
{
    static uint8_t bytes[1 << 20];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t len = fread(bytes, 1, sizeof bytes, f);
    assert_int_equal(fclose(f), 0);
    for (size_t i = 0; i < 1200; i++) {
        struct ay_ndarray a;
        struct ay_reason reason = {""};
        size_t cut = i < 600 ? i * len / 600 : len, at = i - 600;
        if (i >= 600) bytes[at] ^= 0xff;
        f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(bytes, 1, cut, f), cut);
        assert_int_equal(fclose(f), 0);
        if (i >= 600) bytes[at] ^= 0xff;
        enum ay_code code = ay_image_read(path, LIMIT, &a, &reason);
        if (i < 600) assert_int_not_equal(code, AY_OK);
        if (code == AY_OK)
            ay_ndarray_free(&a);
        else
            assert_true(reason.text[0]);
    }
}

static void test_image_damaged_file_is_refused(void **state)
{
    (void)state;
    static uint8_t pixels[HIGH * WIDE * 3];
    fill(pixels);
    write_png(pixels);
    damage();
    write_jpeg(pixels, JCS_RGB, 3);
    damage();
}

static int set_up(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd >= 0 ? close(fd) : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image_png_gives_its_pixels),
        cmocka_unit_test(test_image_imagenet_is_what_pillow_gives),
        cmocka_unit_test(test_image_jpeg_is_near_its_pixels),
        cmocka_unit_test(test_image_damaged_file_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
