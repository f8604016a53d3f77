// The fuzz targets: each takes any bytes and does with them what a process does with bytes that
// nobody vouches for. Refusing them is fine; a promise that does not hold is a BrokenPromise, and a
// read beyond the bytes is for the sanitizers to find.
//
// libfuzzer.cpp feeds one of them for as long as it is let; corpus_test.cpp feeds all of them what
// is kept in corpus/, as part of the ordinary tests. None keeps anything from one input to the
// next.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace drover::fuzz {

// A frame, as each side of the wire and the reader of stored tasks would take it.
void wire(std::string_view input);

// A record of the journal.
void record(std::string_view input);

// The files of a journal: flags, and the files' bytes (journal.cpp says how).
void journal(std::string_view input);

// The text of config/drover.yaml.
void config(std::string_view input);

// What a command writes: two bytes that say how it is run and ends, stdout, a zero byte, stderr.
void exec_output(std::string_view input);

struct BrokenPromise : std::logic_error {
  using std::logic_error::logic_error;
};

inline void promise(bool kept, const std::string& what) {
  if (!kept) throw BrokenPromise(what);
}

}  // namespace drover::fuzz
