// drover: the command line of the fleet.

#include "cli/app.hpp"
#include "cli/context.hpp"

int main(int argc, char** argv) {
  drover::cli::Context::take_signals();
  return drover::cli::run({argv + 1, argv + argc});
}
