#include "workers/engines/native_engine.hpp"

#include <exception>

namespace drover::workers {

AttemptResult NativeEngine::run(const AttemptContext& attempt) {
  try {
    return handler_(attempt);
  } catch (const std::exception& thrown) {
    return failed(Errc::task_failed, std::string("the handler threw: ") + thrown.what(), true);
  } catch (...) {
    return failed(Errc::task_failed, "the handler threw", true);
  }
}

}  // namespace drover::workers
