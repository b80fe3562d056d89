/* Steps of one product of 8-bit integers, or of f32 with 8 bits in blocks: the operands
 * are laid out for the kernels, B once and for all where it is a weight, then tiles are shared out.
 */
#include "tensor/exec_impl.h"
#include "tensor/finish.h"

/* Multiply-adds, and elements laid out, that an item of the pool's loop should be worth. */
#define ITEM_WORK   (1u << 22)
#define ITEM_LAYOUT (1u << 14)
/* Rows of A that a panel of B meets before the next one comes. */
#define TILE_ROWS_MOST 64u

struct product {
    struct ay_exec *exec;
    const struct ay_work_op *op;
    bool blocks, a_signed, b_signed; /* blocks: MATMUL_Q8 */
    uint32_t batches, m, n, k;
    bool one_b;       /* all batches meet the same B */
    size_t words;     /* of a row of A */
    size_t column;    /* bytes of a column of packed B */
    const uint8_t *a; /* elements */
    const uint8_t *b;
    const float *d; /* scales of B */
    const uint8_t *packed;
    uint32_t *a_words;
    int32_t *a_add;
    float *a_scale;
    void *c;
    bool finished; /* `finish` follows, and sums are not stored */
    struct ay_finish finish;
    uint32_t rows, columns, row_blocks, column_blocks; /* of a tile, how many; or of a layout */
};

static uint32_t least(uint64_t a, uint64_t b)
{
    return (uint32_t)(a < b ? a : b);
}

static uint32_t blocks_of(uint32_t k)
{
    return (k + AY_INT_Q8_BLOCK - 1) / AY_INT_Q8_BLOCK;
}

size_t ay_product_pack_bytes(const struct ay_exec *exec, const struct ay_work_op *op, uint32_t n,
                             uint32_t k)
{
    return op->kind == AY_WORK_OP_MATMUL_Q8 ? ay_q8_pack_bytes(exec->integers, n, k)
                                            : ay_int_pack_bytes(exec->integers, n, k);
}

/* Columns n0..n1; out: that of all n. */
static void pack_columns(const struct ay_exec *exec, const struct ay_work_op *op, const void *b,
                         const float *d, uint32_t n, uint32_t k, uint32_t n0, uint32_t n1,
                         void *out)
{
    const struct ay_int_kernels *i = exec->integers;
    bool is_signed = exec->plan.places[op->in[1]].dtype == AY_WORK_DTYPE_I8;
    if (op->kind == AY_WORK_OP_MATMUL_Q8)
        i->pack_q8(b, d, n, k, n0, n1, out);
    else
        i->pack((const uint8_t *)b + (size_t)n0 * k, is_signed, n1 - n0, k,
                (uint8_t *)out + ay_int_pack_bytes(i, n0, k));
}

void ay_product_pack(const struct ay_exec *exec, const struct ay_work_op *op, const void *b,
                     const float *d, uint32_t n, uint32_t k, void *out)
{
    pack_columns(exec, op, b, d, n, k, 0, n, out);
}

static void pack_item(void *context, size_t index, uint32_t thread)
{
    (void)thread;
    const struct product *p = context;
    uint32_t n0 = (uint32_t)(index % p->column_blocks) * p->columns;
    size_t batch = index / p->column_blocks, first = batch * p->n;
    size_t bytes = ay_product_pack_bytes(p->exec, p->op, p->n, p->k);
    const float *d = p->d ? p->d + first * blocks_of(p->k) : NULL;
    pack_columns(p->exec, p->op, p->b + first * p->k, d, p->n, p->k, n0,
                 least(p->n, n0 + p->columns), (uint8_t *)p->exec->image.at + batch * bytes);
}

static void row_item(void *context, size_t index, uint32_t thread)
{
    (void)thread;
    const struct product *p = context;
    const struct ay_int_kernels *k = p->exec->integers;
    size_t rows = (size_t)p->batches * p->m, first = index * p->rows;
    for (size_t r = first; r < rows && r < first + p->rows; r++) {
        uint32_t *words = p->a_words + r * p->words;
        if (p->blocks)
            k->row_q8((const float *)(const void *)p->a + r * p->k, p->k, words,
                      p->a_scale + r * blocks_of(p->k));
        else
            p->a_add[r] = k->row(p->a + r * p->k, p->a_signed, p->b_signed, p->k, words);
    }
}

/* A panel at a time, while its sums are in the cache. */
static void finish_panels(const struct product *p, const struct ay_int_gemm *whole, size_t row,
                          uint32_t n0, uint32_t n1, int32_t *sums)
{
    const struct ay_int_kernels *k = p->exec->integers;
    for (uint32_t n = n0; n < n1; n += k->panel) {
        struct ay_int_gemm g = *whole;
        g.b = (const uint8_t *)whole->b + n * p->column;
        g.c = sums;
        g.ldc = k->panel;
        g.n = least(k->panel, n1 - n);
        k->gemm(&g, 0, g.n);
        ay_finish_tile(&p->finish, sums, k->panel, row, g.m, n, g.n);
    }
}

static void tile_item(void *context, size_t index, uint32_t thread)
{
    const struct product *p = context;
    const struct ay_int_kernels *k = p->exec->integers;
    uint32_t n0 = (uint32_t)(index % p->column_blocks) * p->columns;
    uint32_t n1 = least(p->n, n0 + p->columns);
    uint32_t m0 = (uint32_t)(index / p->column_blocks % p->row_blocks) * p->rows;
    size_t batch = index / p->column_blocks / p->row_blocks, row = batch * p->m + m0;
    uint32_t m = least(p->rows, p->m - m0);
    const uint8_t *b = p->packed;
    if (!p->one_b) b += batch * ay_product_pack_bytes(p->exec, p->op, p->n, p->k);
    const uint32_t *a = p->a_words + row * p->words;
    if (p->blocks) {
        const float *scale = p->a_scale + row * blocks_of(p->k);
        struct ay_q8_gemm g = {a, scale, b,   (float *)p->c + row * p->n, p->words, p->n,
                               m, p->n,  p->k};
        k->gemm_q8(&g, n0, n1);
    } else {
        int32_t *c = p->finished ? NULL : (int32_t *)p->c + row * p->n;
        struct ay_int_gemm g = {a, p->a_add + row, b,    c,           p->words,   p->n,
                                m, p->n,           p->k, p->a_signed, p->b_signed};
        if (p->finished)
            finish_panels(p, &g, row, n0, n1, p->exec->threads[thread].scratch.at);
        else
            k->gemm(&g, n0, n1);
    }
}

static struct product product_of(struct ay_exec *exec, uint32_t run)
{
    uint32_t index = exec->plan.order[exec->step->first];
    struct ay_op_shape s;
    enum ay_code code = ay_program_op_shape(exec->program, index, exec->runs[run].sizes, &s);
    AY_ASSERT(code == AY_OK);
    const struct ay_tensor_type *a = &s.in[0], *b = &s.in[1];
    struct product p = {.exec = exec, .op = s.op, .batches = 1};
    p.blocks = s.op->kind == AY_WORK_OP_MATMUL_Q8;
    p.a_signed = a->dtype == AY_WORK_DTYPE_I8;
    p.b_signed = b->dtype == AY_WORK_DTYPE_I8;
    p.m = a->dims[a->rank - 2];
    p.k = a->dims[a->rank - 1];
    p.n = b->dims[b->rank - 2];
    for (uint32_t d = 0; d + 2 < a->rank; d++) p.batches *= a->dims[d];
    p.one_b = b->rank == 2;
    if (p.one_b) { /* one matrix of all rows */
        p.m *= p.batches;
        p.batches = 1;
    }
    p.words = p.blocks ? ay_q8_words(exec->integers, p.k) : ay_int_words(exec->integers, p.k);
    p.column =
        ay_product_pack_bytes(exec, s.op, exec->integers->panel, p.k) / exec->integers->panel;
    p.a = ay_exec_base(exec, s.op->in[0], run);
    p.b = ay_exec_base(exec, s.op->in[1], run);
    p.d = p.blocks ? ay_exec_base(exec, s.op->in[2], run) : NULL;
    p.finished = ay_finish_of(exec, run, 0, &p.finish);
    if (!p.finished) p.c = ay_exec_base(exec, ay_program_output(exec->program, index), run);
    return p;
}

/* Columns of an item: whole panels, worth `work` elements a column, for all threads. */
static void divide_columns(struct product *p, uint64_t work, uint64_t item)
{
    uint32_t panel = p->exec->integers->panel, threads = ay_pool_threads(p->exec->pool);
    uint32_t panels = (p->n + panel - 1) / panel, each = least(item / (work * panel) + 1, panels);
    if (panels > threads && each > panels / threads) each = panels / threads;
    p->columns = each * panel;
    p->column_blocks = (p->n + p->columns - 1) / p->columns;
}

static enum ay_code lay_out(struct product *p)
{
    struct ay_exec *exec = p->exec;
    size_t rows = (size_t)p->batches * p->m;
    size_t beside = p->blocks ? blocks_of(p->k) : 1; /* words beside a row's */
    AY_TRY(ay_room_reserve(&exec->tables, rows * (p->words + beside) * sizeof(uint32_t)));
    for (uint32_t i = 0; i < ay_pool_threads(exec->pool); i++)
        AY_TRY(ay_room_reserve(&exec->threads[i].scratch,
                               TILE_ROWS_MOST * exec->integers->panel * sizeof(int32_t)));
    p->a_words = exec->tables.at;
    p->a_add = (int32_t *)(p->a_words + rows * p->words);
    p->a_scale = (float *)(void *)p->a_add;
    p->rows = ITEM_LAYOUT / p->k + 1;
    ay_pool_run(exec->pool, (rows + p->rows - 1) / p->rows, row_item, p);
    p->packed = ay_exec_packed(exec, p->op);
    if (p->packed) return AY_OK;
    size_t matrices = p->one_b ? 1 : p->batches;
    size_t bytes = ay_product_pack_bytes(exec, p->op, p->n, p->k);
    AY_TRY(ay_room_reserve(&exec->image, matrices * bytes));
    divide_columns(p, p->k, ITEM_LAYOUT);
    ay_pool_run(exec->pool, matrices * p->column_blocks, pack_item, p);
    p->packed = exec->image.at;
    return AY_OK;
}

enum ay_code ay_exec_products(struct ay_exec *exec)
{
    for (uint32_t r = 0; r < exec->run_count; r++) {
        struct product p = product_of(exec, r);
        AY_TRY(lay_out(&p));
        p.rows = least(p.m, TILE_ROWS_MOST);
        p.row_blocks = (p.m + p.rows - 1) / p.rows;
        divide_columns(&p, (uint64_t)p.rows * p.k, ITEM_WORK);
        ay_pool_run(exec->pool, (size_t)p.batches * p.row_blocks * p.column_blocks, tile_item, &p);
    }
    return AY_OK;
}
