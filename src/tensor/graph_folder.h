/* A model that is kept as a graph, as a folder:
 *   graph.bin    canonical bytes of assay.graph.v1.Model
 *   weights.bin  the elements of its constants
 *   model.json   for people: name, licence, source; and the SHA-256 of the other two
 * What is opened is checked: the hashes, then everything that tensor/graph.h lists. */
#ifndef AY_TENSOR_GRAPH_FOLDER_H
#define AY_TENSOR_GRAPH_FOLDER_H

#include "base/gen/graph.h"
#include "tensor/folder.h"
#include "tensor/reason.h"

#include <stddef.h>

#define AY_MAX_GRAPH_BYTES (256u << 20)

struct ay_graph_folder {
    struct ay_graph_model model; /* checked */
    const uint8_t *weights;      /* the mapped file; not NULL */
    uint64_t weights_bytes;
    char *name, *licence, *source; /* from model.json */
    /* owned */
    uint8_t *bytes; /* of graph.bin */
    uint32_t bytes_len;
    void *memory, *map;
    size_t memory_len, map_len;
};

/* Whether the folder holds a graph rather than a program (tensor/model.h). */
bool ay_graph_folder_is(const char *dir);

/* AY_E_NOT_FOUND, AY_E_IO, AY_E_FORMAT, AY_E_HASH, AY_E_LIMIT, AY_E_MEMORY, all with a reason that
 * names the file. Cost: one pass of SHA-256 over the weights. */
enum ay_code ay_graph_folder_open(const char *dir, struct ay_graph_folder **out,
                                  struct ay_reason *reason) AY_MUST;
void ay_graph_folder_close(struct ay_graph_folder *folder); /* NULL is allowed */

/* What model.json says beside hashes. */
struct ay_graph_card {
    const char *name, *licence, *source;
    /* Of a model made from another: that, and how. NULL: an imported one. */
    const struct ay_graph_folder *parent;
    const char *profile;
};

/* Writes graph.bin and model.json, where weights.bin has that hash. AY_E_LIMIT, AY_E_FORMAT (no
 * UTF-8), AY_E_IO, AY_E_DISK_FULL, AY_E_MEMORY; all with a reason. */
enum ay_code ay_graph_put(const struct ay_folder *folder, const struct ay_graph_model *model,
                          const uint8_t weights_sha256[32],
                          const struct ay_graph_card *card) AY_MUST;

#endif
