#include "tensor/quantize/edit.h"

#include "crypto/hash.h"
#include "tensor/graph.h"
#include "tensor/quantize/linear.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGN 64u
/* Nodes that one may become, constants that one node may bring along. */
#define SPREAD_NODES     8u
#define SPREAD_CONSTANTS 12u
/* Room for new constants, names and lists. Pages that are not touched cost nothing. */
#define ROOM (64u << 20)
/* What new names begin with; longer than any name of the model that begins so. */
#define MAX_NAME 64u

static const struct ay_slice nothing = {0};

static bool fails(struct ay_edit *e, bool failed)
{
    if (failed && e->code == AY_OK) e->code = AY_E_LIMIT;
    return e->code != AY_OK;
}

/* The tensor of a node "Constant", in the graph's constants; NULL: it is another node. */
static const struct ay_graph_constant *constant_of(const struct ay_graph_graph *g,
                                                   const struct ay_graph_node *n)
{
    if (!ay_node_is(n, "Constant") || n->out_count != 1 || n->attributes_count != 1 ||
        n->attributes[0].kind != AY_GRAPH_ATTRIBUTE_TENSOR)
        return NULL;
    return &g->constants[n->attributes[0].index];
}

static const struct ay_graph_constant *named(const struct ay_graph_constant *list, uint32_t count,
                                             struct ay_slice name)
{
    for (uint32_t i = 0; name.len && i < count; i++)
        if (ay_slice_equal(list[i].name, name)) return &list[i];
    return NULL;
}

/* Whether the node is Reshape of a constant to constant dims, that is another constant, *out. */
static bool is_reshaped(struct ay_edit *e, const struct ay_graph_node *n,
                        const struct ay_graph_constant *list, uint32_t count,
                        struct ay_graph_constant *out)
{
    if (!ay_node_is(n, "Reshape") || n->in_count != 2 || n->out_count != 1 || n->attributes_count)
        return false;
    const struct ay_graph_constant *x = named(list, count, n->in[0]),
                                   *to = named(list, count, n->in[1]);
    if (!x || !to || to->dtype != AY_WORK_DTYPE_I64 || to->dims_count != 1 ||
        to->dims[0] > AY_MAX_GRAPH_CONSTANT_DIMS)
        return false;
    uint64_t rank = to->dims[0], all = 1, known = 1, open = rank;
    uint64_t *dims = AY_NEW(&e->arena, uint64_t, rank);
    for (uint32_t d = 0; d < x->dims_count; d++) all *= x->dims[d];
    for (uint32_t d = 0; dims && d < rank; d++) {
        int64_t size;
        memcpy(&size, e->from->weights + to->offset + d * sizeof size, sizeof size);
        if (size == -1 && open == rank)
            open = d;
        else if (size < 1 || (uint64_t)size > all)
            return false;
        dims[d] = size == -1 ? 1 : (uint64_t)size;
        if (known > all) return false;
        known *= dims[d];
    }
    if (!dims || known == 0 || all % known || (open == rank && known != all)) return false;
    if (open < rank) dims[open] = all / known;
    *out = *x;
    out->name = n->out[0];
    out->dims = dims;
    out->dims_count = (uint32_t)rank;
    return true;
}

/* The model's graphs, nodes of the first one that are constants being among its constants. */
static void copy_model(struct ay_edit *e)
{
    const struct ay_graph_model *m = &e->from->model;
    struct ay_graph_graph *g = e->graphs =
        AY_NEW(&e->arena, struct ay_graph_graph, m->graphs_count);
    AY_ASSERT(g);
    memcpy(g, m->graphs, m->graphs_count * sizeof *g);
    size_t most = (size_t)g->constants_count + g->nodes_count;
    struct ay_graph_node *nodes = AY_NEW(&e->arena, struct ay_graph_node, g->nodes_count);
    struct ay_graph_constant *constants = AY_NEW(&e->arena, struct ay_graph_constant, most);
    AY_ASSERT(nodes && constants);
    if (g->constants_count) memcpy(constants, g->constants, g->constants_count * sizeof *constants);
    g->nodes_count = 0;
    for (uint32_t i = 0; i < m->graphs[0].nodes_count; i++) {
        const struct ay_graph_node *n = &m->graphs[0].nodes[i];
        const struct ay_graph_constant *c = constant_of(&m->graphs[0], n);
        if (c) {
            constants[g->constants_count] = *c;
            constants[g->constants_count++].name = n->out[0];
        } else if (is_reshaped(e, n, constants, g->constants_count,
                               &constants[g->constants_count])) {
            g->constants_count++;
        } else {
            nodes[g->nodes_count++] = *n;
        }
    }
    g->nodes = nodes;
    g->constants = constants;
    e->model = *m;
    e->model.graphs = g;
}

enum ay_code ay_edit_open(const struct ay_graph_folder *from, struct ay_edit *out)
{
    const struct ay_graph_graph *g = &from->model.graphs[0];
    *out = (struct ay_edit){.from = from,
                            .node_cap = g->nodes_count * SPREAD_NODES,
                            .constant_cap = g->constants_count + g->nodes_count * SPREAD_CONSTANTS};
    out->memory_len = (size_t)2 * from->weights_bytes + ROOM +
                      (out->node_cap + g->nodes_count) * sizeof *out->nodes +
                      (size_t)2 * out->constant_cap * sizeof *out->constants +
                      from->model.graphs_count * sizeof *out->graphs;
    out->memory = mmap(NULL, out->memory_len, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (out->memory == MAP_FAILED) {
        out->memory = NULL;
        return AY_E_MEMORY;
    }
    out->arena = ay_arena_over(out->memory, out->memory_len);
    copy_model(out);
    g = ay_edit_graph(out);
    out->nodes = AY_NEW(&out->arena, struct ay_graph_node, out->node_cap);
    out->constants = AY_NEW(&out->arena, struct ay_edit_constant, out->constant_cap);
    AY_ASSERT(out->nodes && out->constants);
    for (uint32_t i = 0; i < g->constants_count; i++)
        out->constants[i] = (struct ay_edit_constant){
            .constant = g->constants[i], .elements = from->weights + g->constants[i].offset};
    out->constant_count = g->constants_count;
    return AY_OK;
}

void ay_edit_close(struct ay_edit *e)
{
    if (e->memory) (void)munmap(e->memory, e->memory_len);
    *e = (struct ay_edit){0};
}

const struct ay_edit_constant *ay_edit_find(const struct ay_edit *e, struct ay_slice name,
                                            uint32_t rank)
{
    for (uint32_t i = 0; name.len && i < ay_edit_graph(e)->constants_count; i++) {
        const struct ay_graph_constant *c = &e->constants[i].constant;
        if (ay_slice_equal(c->name, name))
            return c->dtype == AY_WORK_DTYPE_F32 && (rank == 0 || c->dims_count == rank)
                       ? &e->constants[i]
                       : NULL;
    }
    return NULL;
}

/* Whether a value of the model, or of a body, has the name. */
static bool is_taken(const struct ay_edit *e, struct ay_slice name)
{
    const struct ay_graph_model *m = &e->model;
    bool taken = false;
    for (uint32_t g = 0; g < m->graphs_count; g++) {
        const struct ay_graph_graph *graph = &m->graphs[g];
        for (uint32_t i = 0; i < graph->inputs_count; i++)
            taken |= ay_slice_equal(graph->inputs[i].name, name);
        for (uint32_t i = 0; i < graph->constants_count; i++)
            taken |= ay_slice_equal(graph->constants[i].name, name);
        for (uint32_t i = 0; i < graph->nodes_count; i++)
            for (uint32_t k = 0; k < graph->nodes[i].out_count; k++)
                taken |= ay_slice_equal(graph->nodes[i].out[k], name);
    }
    return taken;
}

struct ay_slice ay_edit_name(struct ay_edit *e)
{
    char *text = AY_NEW(&e->arena, char, MAX_NAME);
    if (fails(e, !text)) return nothing;
    do {
        (void)snprintf(text, MAX_NAME, "quantised_%u", e->names++);
    } while (is_taken(e, ay_slice_str(text)));
    return ay_slice_str(text);
}

struct ay_slice ay_edit_constant(struct ay_edit *e, uint32_t dtype, uint32_t rank,
                                 const uint64_t *dims, void **elements)
{
    struct ay_slice name = ay_edit_name(e);
    uint64_t *kept = AY_NEW(&e->arena, uint64_t, rank), bytes = 0;
    *elements = NULL;
    if (fails(e, !kept || e->constant_count == e->constant_cap)) return nothing;
    if (rank) memcpy(kept, dims, rank * sizeof *dims);
    struct ay_graph_constant c = {.name = name, .dtype = dtype, .dims = kept, .dims_count = rank};
    enum ay_code code = ay_graph_constant_bytes(&c, &bytes);
    if (code == AY_OK) *elements = ay_arena_take(&e->arena, bytes, 1);
    if (fails(e, code != AY_OK || !*elements)) return nothing;
    e->constants[e->constant_count++] = (struct ay_edit_constant){c, *elements, false};
    return name;
}

struct ay_slice ay_edit_number(struct ay_edit *e, float x)
{
    void *to;
    struct ay_slice name = ay_edit_constant(e, AY_WORK_DTYPE_F32, 0, NULL, &to);
    if (to) memcpy(to, &x, sizeof x);
    return name;
}

void ay_edit_keep(struct ay_edit *e, const struct ay_graph_node *node)
{
    if (fails(e, e->node_count == e->node_cap)) return;
    e->nodes[e->node_count++] = *node;
}

struct ay_slice ay_edit_node(struct ay_edit *e, const char *op, const struct ay_slice *in,
                             uint32_t count, struct ay_slice out,
                             const struct ay_graph_attribute *attributes, uint32_t attributes_count)
{
    const char *colon = strchr(op, ':');
    struct ay_slice *names = AY_NEW(&e->arena, struct ay_slice, count + 1u);
    if (out.len == 0) out = ay_edit_name(e);
    if (fails(e, !names)) return nothing;
    memcpy(names, in, count * sizeof *in);
    names[count] = out;
    struct ay_graph_node node = {.op = ay_slice_str(colon ? colon + 1 : op),
                                 .in = names,
                                 .in_count = count,
                                 .out = names + count,
                                 .out_count = 1,
                                 .attributes = attributes,
                                 .attributes_count = attributes_count};
    if (colon) node.domain = ay_slice(op, (uint32_t)(colon - op));
    ay_edit_keep(e, &node);
    return out;
}

/* --- writing --- */

static void use(struct ay_edit *e, struct ay_slice name)
{
    for (uint32_t i = 0; name.len && i < e->constant_count; i++)
        if (ay_slice_equal(e->constants[i].constant.name, name)) e->constants[i].used = true;
}

/* By nodes, their attributes, as outputs, in bodies. Whether an attribute gives a number. */
static bool mark_used(struct ay_edit *e)
{
    const struct ay_graph_model *m = &e->model;
    bool numbered = false;
    for (uint32_t i = 0; i < e->node_count; i++) {
        for (uint32_t k = 0; k < e->nodes[i].in_count; k++) use(e, e->nodes[i].in[k]);
        for (uint32_t k = 0; k < e->nodes[i].attributes_count; k++) {
            const struct ay_graph_attribute *a = &e->nodes[i].attributes[k];
            if (a->kind != AY_GRAPH_ATTRIBUTE_TENSOR) continue;
            numbered = e->constants[a->index].used = true;
        }
    }
    for (uint32_t g = 0; g < m->graphs_count; g++) {
        for (uint32_t i = 0; i < m->graphs[g].outputs_count; i++)
            use(e, m->graphs[g].outputs[i].name);
        for (uint32_t i = 0; g > 0 && i < m->graphs[g].nodes_count; i++)
            for (uint32_t k = 0; k < m->graphs[g].nodes[i].in_count; k++)
                use(e, m->graphs[g].nodes[i].in[k]);
    }
    return numbered;
}

/* What nothing uses goes; where numbers count, its elements go and it stays. */
static void drop_unused(struct ay_edit *e, bool numbered)
{
    static const uint64_t none = 0;
    for (uint32_t i = 0; numbered && i < e->model.graphs[0].constants_count; i++) {
        struct ay_edit_constant *c = &e->constants[i];
        if (c->used) continue;
        c->constant.dims = &none;
        c->constant.dims_count = 1;
        c->used = true;
    }
}

struct writer {
    struct ay_edit *edit;
    struct ay_folder folder;
    struct ay_graph_graph *graphs;
    FILE *file;
    struct ay_sha256_stream *hash;
    uint64_t at;
};

static enum ay_code pour(struct writer *w, const void *bytes, size_t len)
{
    ay_sha256_update(w->hash, bytes, len);
    w->at += len;
    return fwrite(bytes, 1, len, w->file) == len ? AY_OK
                                                 : ay_folder_failed(&w->folder, "weights.bin");
}

static enum ay_code put_constant(struct writer *w, struct ay_graph_constant *c,
                                 const void *elements)
{
    static const uint8_t zeros[ALIGN];
    uint64_t bytes;
    AY_TRY(ay_graph_constant_bytes(c, &bytes));
    AY_TRY(pour(w, zeros, (size_t)((ALIGN - w->at % ALIGN) % ALIGN)));
    c->offset = w->at;
    return pour(w, elements, bytes);
}

static enum ay_code put_constants(struct writer *w)
{
    struct ay_edit *e = w->edit;
    const struct ay_graph_model *m = &e->model;
    for (uint32_t g = 0; g < m->graphs_count; g++) {
        uint32_t all = g ? m->graphs[g].constants_count : e->constant_count, count = 0;
        struct ay_graph_constant *list = AY_NEW(&e->arena, struct ay_graph_constant, all);
        if (!list) return AY_E_LIMIT;
        for (uint32_t i = 0; i < all; i++) {
            if (g == 0 && !e->constants[i].used) continue;
            list[count] = g ? m->graphs[g].constants[i] : e->constants[i].constant;
            const void *elements =
                g ? e->from->weights + list[count].offset : e->constants[i].elements;
            AY_TRY(put_constant(w, &list[count++], elements));
        }
        w->graphs[g].constants = list;
        w->graphs[g].constants_count = count;
    }
    return AY_OK;
}

static enum ay_code put_weights(struct writer *w, uint8_t sha256[32])
{
    w->file = ay_folder_create(&w->folder, "weights.bin");
    if (!w->file) return ay_folder_failed(&w->folder, "weights.bin");
    w->hash = ay_sha256_begin();
    enum ay_code code = put_constants(w);
    ay_sha256_final(w->hash, sha256);
    if (!ay_folder_finish(w->file) && code == AY_OK)
        code = ay_folder_failed(&w->folder, "weights.bin");
    return code;
}

static enum ay_code put_all(struct writer *w, const struct ay_graph_card *card)
{
    struct ay_edit *e = w->edit;
    struct ay_graph_model model = e->model;
    uint8_t sha256[32];
    w->graphs = AY_NEW(&e->arena, struct ay_graph_graph, model.graphs_count);
    if (fails(e, !w->graphs)) return e->code;
    memcpy(w->graphs, model.graphs, model.graphs_count * sizeof *w->graphs);
    w->graphs[0].nodes = e->nodes;
    w->graphs[0].nodes_count = e->node_count;
    drop_unused(e, mark_used(e));
    AY_TRY(put_weights(w, sha256));
    model.graphs = w->graphs;
    AY_TRY(ay_graph_check(&model, w->at, w->folder.reason));
    return ay_graph_put(&w->folder, &model, sha256, card);
}

enum ay_code ay_edit_write(struct ay_edit *e, const char *dir, const char *profile,
                           struct ay_reason *reason)
{
    static const char *const names[] = {"graph.bin", "weights.bin", "model.json", NULL};
    const char *name = strrchr(dir, '/');
    struct writer w = {.edit = e};
    const struct ay_graph_card card = {.name = name ? name + 1 : dir,
                                       .licence = e->from->licence,
                                       .source = e->from->source,
                                       .parent = e->from,
                                       .profile = profile};
    if (e->code != AY_OK) return ay_reject(reason, e->code, "the quantised graph is too large");
    AY_TRY(ay_folder_begin(dir, names, reason, &w.folder));
    return ay_folder_end(&w.folder, put_all(&w, &card));
}
