#include "tests/support/msgpack_text.hpp"

#include <cstdio>

#include "common/wire/reader.hpp"

namespace drover::testing {
namespace {

using wire::Reader;

std::string quoted(std::string_view text, bool is_blob) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (byte < 0x20 || byte == 0x7f || (is_blob && byte > 0x7f)) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.15g", value);
  return text;
}

void spell(Reader& r, std::string& out) {
  switch (r.peek()) {
    case Reader::Type::nil: r.skip(), out += "null"; return;
    case Reader::Type::boolean: out += r.boolean() ? "true" : "false"; return;
    case Reader::Type::uint: out += std::to_string(r.uint()); return;
    case Reader::Type::sint: out += std::to_string(r.sint()); return;
    case Reader::Type::real: out += number(r.real()); return;
    case Reader::Type::str: out += quoted(r.str(), false); return;
    case Reader::Type::bin: out += 'b' + quoted(r.bin(), true); return;
    case Reader::Type::array: {
      out += '[';
      const auto count = r.array();
      for (std::uint32_t i = 0; i < count && !r.failed(); ++i) {
        if (i > 0) out += ", ";
        spell(r, out);
      }
      out += ']';
      return;
    }
    case Reader::Type::map: {
      out += '{';
      const auto count = r.map();
      for (std::uint32_t i = 0; i < count && !r.failed(); ++i) {
        if (i > 0) out += ", ";
        spell(r, out);
        out += ": ";
        spell(r, out);
      }
      out += '}';
      return;
    }
    case Reader::Type::ext:
    case Reader::Type::none: r.skip(); return;
  }
}

}  // namespace

std::string spell_msgpack(std::string_view bytes) {
  Reader r(bytes);
  std::string out;
  spell(r, out);
  if (!r.failed() && !r.at_end()) r.fail(Errc::malformed, "bytes follow the value");
  return r.failed() ? "malformed: " + r.error().message : out;
}

}  // namespace drover::testing
