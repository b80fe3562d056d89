/* Runs a model that is kept as a graph. For the shapes of given inputs the graph is lowered to a
 * program once and the program kept. Where that cannot be, since a shape or a branch depends on
 * elements that only the inputs have, it is lowered for the elements of its small integer inputs
 * (a sampling rate, a length) too; and where they do not decide it either, each run interprets the
 * graph. The bits are the same. */
#ifndef AY_TENSOR_GRAPH_RUN_H
#define AY_TENSOR_GRAPH_RUN_H

#include "tensor/exec.h"
#include "tensor/graph_folder.h"
#include "tensor/ndarray.h"
#include "tensor/tape.h"

/* Programs kept at once; the one unused for longest goes. */
#define AY_MAX_GRAPH_PROGRAMS 8u
/* Elements of an integer input for whose values a program may be made. */
#define AY_MAX_GRAPH_FIXED 16u

struct ay_graph_runner; /* not thread-safe: one run at a time */

struct ay_graph_runner_options {
    uint32_t threads; /* 0: one a processor */
    uint64_t
        limit_bytes; /* of a tape's values and of one program; 0: half of the machine's memory */
    bool trace;      /* keep each op's output of the last run */
    bool profile;    /* as ay_exec_options */
};

/* The graph must outlive the runner. AY_E_MEMORY, AY_E_RANGE (threads), what ay_kernels_select
 * returns. */
enum ay_code ay_graph_runner_open(const struct ay_graph_folder *graph,
                                  const struct ay_graph_runner_options *options,
                                  struct ay_graph_runner **out) AY_MUST;
void ay_graph_runner_close(struct ay_graph_runner *runner); /* NULL is allowed */

/* Whether these are inputs of the model: one each, in its order, of its dtypes, ranks and sizes,
 * sizes of one name being equal, unless an input has that name twice. Data is not looked at.
 * AY_E_RANGE with a reason that names input and axis. */
enum ay_code ay_graph_accepts(const struct ay_graph_model *model, const struct ay_ndarray *inputs,
                              uint32_t count, struct ay_reason *reason) AY_MUST;

/* What the model is for inputs of these shapes; data is not looked at. NULL with AY_OK: every
 * output is known without running anything. Valid until the next call. AY_E_STATE: it cannot be one
 * program, since what `reason` says depends on the inputs' elements. AY_E_WORK_PROGRAM, AY_E_LIMIT:
 * one that is against a rule, or too large. AY_E_UNSUPPORTED: an operator, or a use of one.
 * AY_E_RANGE as above. AY_E_FORMAT, AY_E_MEMORY. */
enum ay_code ay_graph_prepare(struct ay_graph_runner *runner, const struct ay_ndarray *inputs,
                              uint32_t count, const struct ay_tape_program **out,
                              struct ay_reason *reason) AY_MUST;

/* Runs it: outputs, one for each of the model's, are taken here and freed by the caller. Where
 * ay_graph_prepare says that there is no program the graph is interpreted.
 * Codes as above but AY_E_STATE, all with a reason; on an error there is nothing to free. */
enum ay_code ay_graph_run(struct ay_graph_runner *runner, const struct ay_ndarray *inputs,
                          uint32_t count, struct ay_ndarray *outputs,
                          struct ay_reason *reason) AY_MUST;

/* Of the last run: the executor and the program that it ran; NULL when it was interpreted, and why.
 * Valid until the next call. */
const struct ay_exec *ay_graph_runner_exec(const struct ay_graph_runner *runner,
                                           const struct ay_tape_program **program);
const char *ay_graph_runner_why(const struct ay_graph_runner *runner);

#endif
