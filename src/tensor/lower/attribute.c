/* Attributes of the node at work, and operands that are lists of integers. */
#include "tensor/lower/lower.h"

#include "tensor/lower/scope.h"
#include "tensor/ref/float.h"

static const struct ay_graph_attribute *find(const struct ay_lower *l, const char *name)
{
    struct ay_slice wanted = ay_slice_str(name);
    for (uint32_t i = 0; i < l->node->attributes_count; i++)
        if (ay_slice_equal(l->node->attributes[i].name, wanted)) return &l->node->attributes[i];
    return NULL;
}

/* The attribute if it is there and of this kind; fails when it is of another. */
static const struct ay_graph_attribute *of_kind(const struct ay_lower *l, const char *name,
                                                enum ay_graph_attribute_kind kind)
{
    const struct ay_graph_attribute *a = find(l, name);
    if (!a || a->kind == (uint32_t)kind) return a;
    ay_lower_fail(l, AY_E_FORMAT, "attribute %s is of the wrong kind", name);
    return NULL;
}

bool ay_attr_has(const struct ay_lower *l, const char *name)
{
    return find(l, name) != NULL;
}

int64_t ay_attr_int(const struct ay_lower *l, const char *name, int64_t otherwise)
{
    const struct ay_graph_attribute *a = of_kind(l, name, AY_GRAPH_ATTRIBUTE_INT);
    if (!a) return otherwise;
    /* A value of 0 may have been left out of the list. */
    return a->ints_count ? a->ints[0] : 0;
}

float ay_attr_float(const struct ay_lower *l, const char *name, float otherwise)
{
    const struct ay_graph_attribute *a = of_kind(l, name, AY_GRAPH_ATTRIBUTE_FLOAT);
    if (!a) return otherwise;
    return a->floats_count ? ay_f32(a->floats[0]) : 0;
}

struct ay_slice ay_attr_text(const struct ay_lower *l, const char *name)
{
    const struct ay_graph_attribute *a = of_kind(l, name, AY_GRAPH_ATTRIBUTE_STRING);
    return a && a->strings_count ? a->strings[0] : (struct ay_slice){NULL, 0};
}

bool ay_attr_is(const struct ay_lower *l, const char *name, const char *text)
{
    return ay_slice_equal(ay_attr_text(l, name), ay_slice_str(text));
}

const int64_t *ay_attr_ints(const struct ay_lower *l, const char *name, uint32_t *count)
{
    const struct ay_graph_attribute *a = of_kind(l, name, AY_GRAPH_ATTRIBUTE_INTS);
    *count = a ? a->ints_count : 0;
    return a ? a->ints : NULL;
}

const uint32_t *ay_attr_floats(const struct ay_lower *l, const char *name, uint32_t *count)
{
    const struct ay_graph_attribute *a = of_kind(l, name, AY_GRAPH_ATTRIBUTE_FLOATS);
    *count = a ? a->floats_count : 0;
    return a ? a->floats : NULL;
}

const struct ay_slice *ay_attr_texts(const struct ay_lower *l, const char *name, uint32_t *count)
{
    const struct ay_graph_attribute *a = of_kind(l, name, AY_GRAPH_ATTRIBUTE_STRINGS);
    *count = a ? a->strings_count : 0;
    return a ? a->strings : NULL;
}

const struct ay_value *ay_attr_tensor(const struct ay_lower *l, const char *name)
{
    const struct ay_graph_attribute *a = of_kind(l, name, AY_GRAPH_ATTRIBUTE_TENSOR);
    if (!a) return NULL;
    if (a->index >= l->graph->constants_count)
        return ay_lower_fail(l, AY_E_FORMAT, "attribute %s: no such constant", name);
    return ay_lower_constant(l, &l->graph->constants[a->index]);
}

uint32_t ay_attr_graph(const struct ay_lower *l, const char *name)
{
    const struct ay_graph_attribute *a = of_kind(l, name, AY_GRAPH_ATTRIBUTE_SUBGRAPH);
    if (!a) return 0;
    uint32_t own = (uint32_t)(l->graph - l->model->graphs);
    if (a->index > own && a->index < l->model->graphs_count) return a->index;
    ay_lower_fail(l, AY_E_FORMAT, "attribute %s: no such graph", name);
    return 0;
}

uint32_t ay_lower_ints(const struct ay_lower *l, const struct ay_value *x, const char *what,
                       int64_t *out, uint32_t most)
{
    if (!x) return 0;
    uint64_t n = ay_value_elements(x);
    if (x->dtype == AY_WORK_DTYPE_F32 || x->rank > 1 || n > most)
        ay_lower_fail(l, AY_E_FORMAT, "%s is not a list of at most %u integers", what, most);
    x = ay_tape_need(l->tape, x, what);
    if (!x) return 0;
    for (uint64_t i = 0; i < n; i++) out[i] = ay_value_int(x, i);
    return (uint32_t)n;
}

uint32_t ay_lower_axis(const struct ay_lower *l, int64_t axis, uint32_t rank)
{
    if (axis >= -(int64_t)rank && axis < (int64_t)rank)
        return (uint32_t)(axis < 0 ? axis + rank : axis);
    ay_lower_fail(l, AY_E_FORMAT, "axis %lld of %u dimensions", (long long)axis, rank);
    return 0;
}

uint32_t ay_lower_axes(const struct ay_lower *l, const struct ay_operands *o, const char *name,
                       uint32_t index, int64_t since, uint32_t rank, uint32_t axes[AY_MAX_RANK])
{
    int64_t listed[AY_MAX_RANK];
    uint32_t count = 0;
    if (l->opset >= since) {
        count = ay_lower_ints(l, ay_in(o, index), name, listed, AY_MAX_RANK);
    } else {
        const int64_t *ints = ay_attr_ints(l, name, &count);
        if (count > AY_MAX_RANK) {
            ay_lower_fail(l, AY_E_FORMAT, "more than %d axes", AY_MAX_RANK);
            return 0;
        }
        for (uint32_t i = 0; i < count; i++) listed[i] = ints[i];
    }
    uint32_t seen = 0;
    for (uint32_t i = 0; i < count; i++) {
        axes[i] = ay_lower_axis(l, listed[i], rank);
        if (seen >> axes[i] & 1) ay_lower_fail(l, AY_E_FORMAT, "axis %u named twice", axes[i]);
        seen |= 1u << axes[i];
    }
    return count;
}
