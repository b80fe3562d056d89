/* What the files of profile int8 share. Internal to this folder. */
#ifndef AY_TENSOR_QUANTIZE_INT8_H
#define AY_TENSOR_QUANTIZE_INT8_H

#include "tensor/quantize/conv.h"
#include "tensor/quantize/graph.h"
#include "tensor/quantize/linear.h"
#include "tensor/quantize/pointwise.h"

/* A value as bytes: f32 = (u8 - zero) scale. */
struct ay_twin {
    struct ay_slice name;               /* of the f32 value */
    struct ay_slice bytes, scale, zero; /* names; zero 0-dimensional */
    float scale_value;
    uint8_t zero_value;
    bool whole; /* the f32 value is there as well */
};

/* What a node becomes, where its operands are bytes; else it stays. */
enum ay_int8_role {
    AY_INT8_KEPT,
    AY_INT8_TAKEN, /* part of another */
    AY_INT8_CONV,
    AY_INT8_LINEAR,
    AY_INT8_SUM,     /* of two values */
    AY_INT8_PRODUCT, /* likewise */
    AY_INT8_AVERAGE,
    AY_INT8_TABLE, /* a function of one value */
    AY_INT8_JOIN,  /* Concat */
    AY_INT8_MOVED  /* bytes are moved, or the largest taken, as f32 would be */
};

struct ay_int8_step {
    enum ay_int8_role role;
    struct ay_conv conv;
    struct ay_linear linear;
    struct ay_slice out;               /* what it gives first, with what it has taken */
    const struct ay_graph_node *after; /* SUM: the Relu that is part of it; NULL: there is none */
    bool maybe;                        /* its result can be had as bytes */
    bool wanted;                       /* somebody works on bytes of its result */
    bool worked;                       /* something is computed of its result as bytes */
    bool exposed;                      /* TABLE: something else than a TABLE takes its result */
    bool kept;                         /* stayed as it was */
};

struct ay_int8 {
    struct ay_edit *e;
    struct ay_int8_step *steps; /* one a node */
    struct ay_pointwise pointwise;
    struct ay_twin *twins;
    struct ay_range *ranges;
    /* Values that take the range of another, pairs of names: those that one Concat alone needs. */
    struct ay_slice (*shared)[2];
    uint32_t twin_count, range_count, shared_count, products;
    struct ay_reason *reason;
};

/* Decides what each node becomes, and whose ranges are needed. */
enum ay_code ay_int8_plan(struct ay_int8 *p) AY_MUST;
/* Writes the nodes of the new graph into the edit. */
enum ay_code ay_int8_emit(struct ay_int8 *p) AY_MUST;
/* Counts which of them stayed as they were. */
void ay_int8_count(const struct ay_int8 *p, struct ay_int8_report *report);

#endif
