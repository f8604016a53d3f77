#include "drover/task.hpp"

namespace drover {

TaskSpec NewTask::as_spec() const {
  TaskSpec spec;
  if (id) spec.id = *id;
  spec.type = type;
  spec.payload = payload;
  spec.queue = queue;
  spec.priority = priority;
  spec.tenant = tenant;
  spec.content_type = content_type;
  spec.delay = delay;
  spec.not_before = not_before;
  spec.ttl = ttl;
  spec.expires_at = expires_at;
  spec.timeout = timeout;
  spec.max_attempts = max_attempts;
  spec.backoff = backoff;
  spec.idempotency_key = idempotency_key;
  spec.user_id = user_id;
  spec.agent_id = agent_id;
  spec.required_capabilities.assign(required_capabilities.begin(), required_capabilities.end());
  spec.required_labels.assign(required_labels.begin(), required_labels.end());
  spec.result_ttl = result_ttl;
  spec.traceparent = traceparent;
  spec.metadata.assign(metadata.begin(), metadata.end());
  spec.gate = gate;
  spec.concurrency_key = concurrency_key;
  spec.rate_key = rate_key;
  spec.rate_cost = rate_cost;
  return spec;
}

}  // namespace drover
