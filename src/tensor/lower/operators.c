/* The table of operators: its families one after another. */
#include "tensor/lower/lower.h"

static const struct ay_operator *const families[] = {
    ay_lower_elementwise,    ay_lower_activation, ay_lower_compare,   ay_lower_shape,
    ay_lower_arrange,        ay_lower_index,      ay_lower_reduce,    ay_lower_norm,
    ay_lower_matmul,         ay_lower_conv,       ay_lower_pool,      ay_lower_resize,
    ay_lower_attention,      ay_lower_quantize,   ay_lower_recurrent, ay_lower_control,
    ay_lower_sequence,       ay_lower_select,     ay_lower_fused,     ay_lower_fused_attention,
    ay_lower_fused_quantize, ay_lower_classic,    ay_lower_trees,     NULL};

const struct ay_operator *const *ay_operators(void)
{
    return families;
}

/* Whether `row` is "Name" for the standard domain, "domain:Name" for another. */
static bool is_named(const char *row, struct ay_slice domain, struct ay_slice name)
{
    struct ay_slice text = ay_slice_str(row);
    if (domain.len == 0) return ay_slice_equal(text, name);
    uint64_t len = (uint64_t)domain.len + 1 + name.len;
    return text.len == len && memcmp(text.data, domain.data, domain.len) == 0 &&
           text.data[domain.len] == ':' &&
           memcmp(text.data + domain.len + 1, name.data, name.len) == 0;
}

const struct ay_operator *ay_operator_find(struct ay_slice domain, struct ay_slice name)
{
    if (ay_slice_equal(domain, ay_slice_str("ai.onnx"))) domain.len = 0;
    if (name.len == 0) return NULL;
    for (const struct ay_operator *const *family = families; *family; family++)
        for (const struct ay_operator *row = *family; row->name; row++)
            if (is_named(row->name, domain, name)) return row;
    return NULL;
}
