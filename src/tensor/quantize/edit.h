/* A graph being rewritten: the nodes and constants of a model's first graph, and of those that are
 * new the elements. Nodes "Constant" of a tensor, and "Reshape" of constants, count as constants.
 * Bodies of control flow stay as they are. Internal to this folder. */
#ifndef AY_TENSOR_QUANTIZE_EDIT_H
#define AY_TENSOR_QUANTIZE_EDIT_H

#include "base/arena.h"
#include "tensor/graph_folder.h"

struct ay_edit {
    const struct ay_graph_folder *from;
    struct ay_graph_model model; /* of `from`, its first graph without nodes that are constants */
    struct ay_graph_graph *graphs;
    struct ay_arena arena; /* of all that is new */
    void *memory;
    size_t memory_len;
    struct ay_graph_node *nodes;
    struct ay_edit_constant *constants; /* those of the model first */
    uint32_t node_count, node_cap, constant_count, constant_cap, names;
    enum ay_code code; /* the first failure; every call after it does nothing */
};

struct ay_edit_constant {
    struct ay_graph_constant constant;
    const void *elements;
    bool used;
};

/* Begins without nodes. Close it whatever this returns. AY_E_MEMORY. */
enum ay_code ay_edit_open(const struct ay_graph_folder *from, struct ay_edit *out) AY_MUST;
void ay_edit_close(struct ay_edit *edit);

static inline const struct ay_graph_graph *ay_edit_graph(const struct ay_edit *edit)
{
    return &edit->graphs[0];
}

/* The f32 constant of that name and rank, 0 being any; NULL: there is none. */
const struct ay_edit_constant *ay_edit_find(const struct ay_edit *edit, struct ay_slice name,
                                            uint32_t rank);

/* A new constant; *elements is where its elements go, zeroed. Returns its name. */
struct ay_slice ay_edit_constant(struct ay_edit *edit, uint32_t dtype, uint32_t rank,
                                 const uint64_t *dims, void **elements);
/* One number. */
struct ay_slice ay_edit_number(struct ay_edit *edit, float x);

/* A name that no value has. */
struct ay_slice ay_edit_name(struct ay_edit *edit);

/* Appends a node of one result, `out` or, where that is empty, a new name, and returns it. op is
 * "Name" or "domain:Name", static. Attributes are borrowed. */
struct ay_slice ay_edit_node(struct ay_edit *edit, const char *op, const struct ay_slice *in,
                             uint32_t count, struct ay_slice out,
                             const struct ay_graph_attribute *attributes,
                             uint32_t attributes_count);
/* Appends a node of the old graph as it is. */
void ay_edit_keep(struct ay_edit *edit, const struct ay_graph_node *node);

/* Writes the model, without constants that nothing uses, to a new folder. Returns edit->code too;
 * AY_E_EXISTS, AY_E_IO, AY_E_DISK_FULL, AY_E_LIMIT, AY_E_MEMORY; with a reason. */
enum ay_code ay_edit_write(struct ay_edit *edit, const char *dir, const char *profile,
                           struct ay_reason *reason) AY_MUST;

#endif
