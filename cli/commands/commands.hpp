// The verbs of `drover`, a file each: every function declares one verb, with its words and options,
// below the root. The context outlives the run.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.hpp"
#include "cli/context.hpp"

namespace drover::cli {

void add_backup(Verb& root, Context& context);
void add_config(Verb& root, Context& context);
void add_dlq(Verb& root, Context& context);
void add_doctor(Verb& root, Context& context);
void add_gate(Verb& root, Context& context);
void add_journal(Verb& root, Context& context);
void add_key(Verb& root, Context& context);
void add_keygen(Verb& root, Context& context);
void add_ping(Verb& root, Context& context);
void add_queue(Verb& root, Context& context);
void add_restore(Verb& root, Context& context);
void add_stats(Verb& root, Context& context);
void add_submit(Verb& root, Context& context);
void add_task(Verb& root, Context& context);
void add_tenant(Verb& root, Context& context);
void add_up(Verb& root, Context& context);
void add_version(Verb& root, Context& context);
void add_watch(Verb& root, Context& context);
void add_work(Verb& root, Context& context);
void add_worker(Verb& root, Context& context);

// What `task` and `dlq` have in common.
int show_task(Context& context, const std::string& id);
int retry_tasks(Context& context, const std::vector<std::string>& ids);

}  // namespace drover::cli
