#include "cli/work.h"

#include "base/text.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOB_QUOTA_BYTES (4ull << 30)

int ay_cli_work_open(struct ay_cli_work *work, const char *name, const char *key_option,
                     const char *key, const char *model, uint32_t threads)
{
    struct ay_reason reason = {0};
    char dir[PATH_MAX], sub[128];
    memset(work, 0, sizeof *work);
    if (!model) return ay_cli_fail(AY_E_USAGE, "say which model: --model DIR");
    if (!key) return ay_cli_fail(AY_E_USAGE, "say which key signs: %s NAME", key_option);
    ay_cli_catch();
    signal(SIGPIPE, SIG_IGN);
    enum ay_code code = ay_model_open(model, &work->model, &reason);
    if (code != AY_OK) return ay_cli_fail(code, "%s", reason.text);
    int failed = ay_cli_session_open(key, "0.025nasy", &work->session);
    if (!failed && (code = ay_compute_open(work->model, threads, &work->compute)) != AY_OK)
        failed = ay_cli_fail(code, "cannot set up the model");
    if (failed) return failed;
    work->role = (struct ay_role){.node = work->session.node,
                                  .wallet = work->session.wallet,
                                  .signer = &work->session.signer,
                                  .compute = &work->compute,
                                  .stop = &ay_cli_stop,
                                  .name = name};
    snprintf(sub, sizeof sub, "%s-%s", name, work->session.signer.text);
    code = ay_cli_path(dir, sub);
    if (code == AY_OK) code = ay_role_open(&work->role, dir, BLOB_QUOTA_BYTES);
    if (code == AY_E_EXISTS)
        return ay_cli_fail(code, "another process works for %s in %s", work->session.signer.text,
                           ay_cli.home);
    return code == AY_OK ? 0 : ay_cli_fail(code, "%s", dir);
}

void ay_cli_work_close(struct ay_cli_work *work)
{
    ay_role_close(&work->role);
    ay_compute_close(&work->compute);
    ay_model_close(work->model);
    ay_cli_session_close(&work->session);
}
