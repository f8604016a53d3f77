// Settings: who says what last, and how a mistake is told.

#include "common/config/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace drover::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LoadTest : public testing::Test {
 protected:
  LoadTest() {
    folder = testing::TempDir() + "drover-config-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
  }
  ~LoadTest() override { std::filesystem::remove_all(folder); }

  std::string file(const std::string& text) {
    const auto path = folder + "/drover.yaml";
    std::ofstream(path) << text;
    return path;
  }

  Result<Loaded> load(const std::string& text, const std::vector<std::string>& environment = {},
                      const std::vector<Override>& flags = {}) {
    return load_settings(file(text), environment, flags);
  }

  // What the refusal says, without the folder.
  std::string refusal(const std::string& text, const std::vector<std::string>& environment = {},
                      const std::vector<Override>& flags = {}) {
    const auto loaded = load(text, environment, flags);
    if (loaded) return "not refused";
    EXPECT_EQ(loaded.error().code, Errc::bad_configuration);
    auto message = loaded.error().message;
    for (auto at = message.find(folder + "/"); at != std::string::npos;
         at = message.find(folder + "/")) {
      message.erase(at, folder.size() + 1);
    }
    return message;
  }

  static std::string origin(const Loaded& loaded, const std::string& path) {
    for (const auto& shown : loaded.shown) {
      if (shown.path == path) return shown.origin;
    }
    return "no such setting";
  }

  std::string folder;
};

// --- who says what last

TEST_F(LoadTest, NothingSaidMeansTheDefaults) {
  const auto loaded = load_settings(std::nullopt, {}, {});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->settings.broker.clients.bind, "tcp://127.0.0.1:7700");
  EXPECT_EQ(loaded->settings.client.url, "tcp://127.0.0.1:7700");
  EXPECT_EQ(loaded->settings.worker.connect, "tcp://127.0.0.1:7701");
  EXPECT_EQ(loaded->settings.limits.message_max, 1024u * 1024);
  EXPECT_THAT(loaded->warnings, IsEmpty());
  for (const auto& shown : loaded->shown) {
    EXPECT_EQ(shown.origin, "default") << shown.path;
    EXPECT_TRUE(shown.is_default) << shown.path;
  }
}

TEST_F(LoadTest, TheFileChangesTheDefaultTheEnvironmentTheFileAndAFlagAll) {
  const auto text = "broker:\n  heartbeat: 1s\n  poison_after: 7\nclient:\n  timeout: 3s\n";
  const auto loaded = load(text, {"DROVER_BROKER__POISON_AFTER=8", "DROVER_CLIENT__TIMEOUT=4s"},
                           {{"client.timeout", "5s", "--client.timeout"}});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->settings.broker.heartbeat, 1s);
  EXPECT_EQ(loaded->settings.broker.poison_after, 8u);
  EXPECT_EQ(loaded->settings.client.timeout, 5s);
  EXPECT_EQ(origin(*loaded, "broker.heartbeat"), folder + "/drover.yaml:2");
  EXPECT_EQ(origin(*loaded, "broker.poison_after"), "DROVER_BROKER__POISON_AFTER");
  EXPECT_EQ(origin(*loaded, "client.timeout"), "--client.timeout");
  EXPECT_EQ(origin(*loaded, "broker.worker_timeout"), "default");
}

TEST_F(LoadTest, AnAddressThatIsNotSaidIsWhereTheBrokerBinds) {
  const auto loaded = load(
      "broker:\n  clients: {bind: tcp://127.0.0.1:8800}\n  workers: {bind: 'tcp://*:8801'}\n"
      "security:\n  insecure: true\n");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->settings.client.url, "tcp://127.0.0.1:8800");
  EXPECT_EQ(loaded->settings.worker.connect, "tcp://127.0.0.1:8801");
  EXPECT_EQ(origin(*loaded, "client.url"), folder + "/drover.yaml:2");
}

TEST_F(LoadTest, EveryKindOfValueIsReadFromAFile) {
  const auto loaded = load(
      "worker:\n"
      "  slots: 4\n"
      "  capabilities: [gpu, \"python3.11\"]\n"
      "  labels:\n    zone: a\n    rack: \"7\"\n"
      "workers:\n  builtin: off\n"
      "store:\n  url: \"file:/var/lib/drover with space\"\n"
      "  payload_memory: 1GiB\n"
      "tasks:\n  backoff_factor: 1.125\n  dlq_ttl: 1d12h\n"
      "security:\n  insecure: true\n");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto& s = loaded->settings;
  EXPECT_EQ(s.worker.slots, 4u);
  EXPECT_THAT(s.worker.capabilities, ElementsAre("gpu", "python3.11"));
  EXPECT_EQ(s.worker.labels, (std::map<std::string, std::string>{{"rack", "7"}, {"zone", "a"}}));
  EXPECT_EQ(s.workers.builtin, Builtin::off);
  EXPECT_EQ(store_directory(s), "/var/lib/drover with space");
  EXPECT_EQ(s.store.payload_memory, kGiB);
  EXPECT_EQ(s.tasks.backoff_factor, 1.125);
  EXPECT_EQ(s.tasks.dlq_ttl, 36h);
  EXPECT_TRUE(s.security.insecure);
}

TEST_F(LoadTest, AnEmptyFileAndEmptySectionsSayNothing) {
  EXPECT_TRUE(load(""));
  EXPECT_TRUE(load("# nothing\n"));
  EXPECT_TRUE(load("broker:\nworker:\n"));
}

TEST_F(LoadTest, WhatIsShownReadsBackTheSame) {
  const auto loaded = load(
      "worker: {capabilities: [a, b], labels: {zone: a}}\n"
      "store: {url: 'file:/tmp/a b'}\ntasks: {timeout: 90s, backoff_factor: 1.5}\n");
  ASSERT_TRUE(loaded);
  std::string again;
  for (const auto& shown : loaded->shown) {
    std::string line, indent;
    for (const char c : shown.path) {
      if (c == '.') {
        line += ": {";
        indent += "}";
      } else {
        line += c;
      }
    }
    const auto one = load_settings(file(line + ": " + shown.value + indent + "\n"), {}, {});
    ASSERT_TRUE(one) << one.error().message;
    for (const auto& back : one->shown) {
      if (back.path == shown.path) {
        EXPECT_EQ(back.value, shown.value);
      }
    }
  }
}

// --- the environment

TEST_F(LoadTest, ASingleUnderscoreIsTakenWhereOnlyOneSettingCanBeMeant) {
  const auto loaded = load_settings(std::nullopt, {"DROVER_BROKER_POISON_AFTER=8"}, {});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->settings.broker.poison_after, 8u);
  EXPECT_EQ(origin(*loaded, "broker.poison_after"), "DROVER_BROKER_POISON_AFTER");
}

TEST_F(LoadTest, TheExactNameWinsOverTheOtherSpelling) {
  for (const bool exact_first : {true, false}) {
    std::vector<std::string> environment = {"DROVER_BROKER__POISON_AFTER=8",
                                            "DROVER_BROKER_POISON_AFTER=9"};
    if (!exact_first) std::swap(environment[0], environment[1]);
    EXPECT_EQ(load_settings(std::nullopt, environment, {})->settings.broker.poison_after, 8u);
  }
}

TEST_F(LoadTest, DroverUrlIsTheClientsUrl) {
  const auto loaded = load_settings(std::nullopt, {"DROVER_URL=tcp://broker:7700"}, {});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->settings.client.url, "tcp://broker:7700");
  EXPECT_EQ(origin(*loaded, "client.url"), "DROVER_URL");
}

TEST_F(LoadTest, ListsAndLabelsAreWrittenWithCommas) {
  const auto loaded = load_settings(
      std::nullopt, {"DROVER_WORKER__CAPABILITIES=a,b", "DROVER_WORKER__LABELS=zone=a,rack=7"}, {});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_THAT(loaded->settings.worker.capabilities, ElementsAre("a", "b"));
  EXPECT_EQ(loaded->settings.worker.labels.at("rack"), "7");
  EXPECT_TRUE(load_settings(std::nullopt, {"DROVER_WORKER__CAPABILITIES="}, {}));
}

TEST_F(LoadTest, AnUnknownNameIsWarnedAboutWithTheNearestKnownOne) {
  const auto loaded = load_settings(
      std::nullopt, {"DROVER_BROKER__HEARTBEET=1s", "DROVER_CONFIG=x", "DROVERS=1", "PATH=/bin"},
      {});
  ASSERT_TRUE(loaded);
  EXPECT_THAT(loaded->warnings, ElementsAre("DROVER_BROKER__HEARTBEET is no setting. Did you mean "
                                            "DROVER_BROKER__HEARTBEAT?"));
}

TEST_F(LoadTest, AnImpossibleValueIsToldWithItsVariable) {
  EXPECT_EQ(refusal("", {"DROVER_BROKER__POISON_AFTER=many"}),
            "DROVER_BROKER__POISON_AFTER: expected a whole number from 1 to 100, found many");
  EXPECT_EQ(refusal("", {"DROVER_URL=localhost"}),
            "DROVER_URL: expected an address such as tcp://127.0.0.1:7700, found localhost");
  EXPECT_THAT(refusal("", {"DROVER_WORKER__LABELS=zone"}), HasSubstr("found zone"));
}

// --- flags

TEST_F(LoadTest, AFlagIsToldByItsOwnSpelling) {
  EXPECT_EQ(refusal("", {}, {{"client.url", "here", "--url"}}),
            "--url: expected an address such as tcp://127.0.0.1:7700, found here");
  EXPECT_EQ(refusal("", {}, {{"client.uri", "x", "--client.uri"}}),
            "--client.uri: there is no setting client.uri. Did you mean client.url?");
}

// --- mistakes in the file

TEST_F(LoadTest, AnUnknownKeyIsToldWithItsLineAndTheNearestKnownOne) {
  EXPECT_EQ(refusal("broker:\n  hartbeat: 1s\n"),
            "drover.yaml:2: broker.hartbeat: there is no such setting. Did you mean "
            "broker.heartbeat?");
  EXPECT_EQ(refusal("brokr:\n  heartbeat: 1s\n"),
            "drover.yaml:2: brokr: there is no such setting. Did you mean broker?");
  EXPECT_EQ(refusal("zzzzzzzzz: 1\n"), "drover.yaml:1: zzzzzzzzz: there is no such setting.");
}

TEST_F(LoadTest, ADuplicateKeyIsToldWithBothLines) {
  EXPECT_EQ(refusal("broker:\n  heartbeat: 1s\n  poison_after: 3\n  heartbeat: 2s\n"),
            "drover.yaml:4: heartbeat stands here a second time (first in line 2)");
}

TEST_F(LoadTest, AWrongTypeIsToldWithWhatWasExpected) {
  EXPECT_EQ(refusal("broker:\n  poison_after: [3]\n"),
            "drover.yaml:2: broker.poison_after: expected a whole number from 1 to 100, found a "
            "list");
  EXPECT_EQ(refusal("broker: 5\n"), "drover.yaml:1: broker: expected a section, found 5");
  EXPECT_EQ(refusal("- a\n"), "drover.yaml:1: expected sections of settings, found a list");
  EXPECT_THAT(refusal("worker:\n  capabilities: gpu\n"), HasSubstr("expected a list of names"));
  EXPECT_THAT(refusal("worker:\n  capabilities: [[gpu]]\n"), HasSubstr("expected a list of names"));
  EXPECT_THAT(refusal("worker:\n  labels: [a]\n"), HasSubstr("expected names and values"));
  EXPECT_THAT(refusal("broker:\n  poison_after:\n"), HasSubstr("found nothing"));
}

TEST_F(LoadTest, ANumberWithoutItsUnitIsRefused) {
  EXPECT_EQ(refusal("broker:\n  heartbeat: 5\n"),
            "drover.yaml:2: broker.heartbeat: expected a duration from 100ms to 1h, with its unit "
            "(250ms, 5s, 2m, 1h, 7d), found 5");
  EXPECT_EQ(refusal("limits:\n  payload_max: 1024\n"),
            "drover.yaml:2: limits.payload_max: expected a size from 1KiB to 32MiB, with its unit "
            "(B, KiB, MiB, GiB), found 1024");
}

TEST_F(LoadTest, WhatYamlWouldMisreadIsRefused) {
  EXPECT_THAT(refusal("broker:\n  poison_after: 010\n"), HasSubstr("found 010"));
  EXPECT_THAT(refusal("broker:\n  poison_after: 0x8\n"), HasSubstr("found 0x8"));
  EXPECT_THAT(refusal("broker:\n  poison_after: \"8\"\n"), HasSubstr("found 8"));
  EXPECT_THAT(refusal("broker:\n  poison_after: 8.0\n"), HasSubstr("found 8.0"));
  EXPECT_THAT(refusal("broker:\n  poison_after: -1\n"), HasSubstr("poison_after"));
  EXPECT_THAT(refusal("security:\n  insecure: yes\n"), HasSubstr("expected true or false"));
  EXPECT_THAT(refusal("security:\n  insecure: no\n"), HasSubstr("expected true or false"));
}

TEST_F(LoadTest, ValuesOutOfBoundsAreRefused) {
  EXPECT_THAT(refusal("tasks:\n  max_attempts: 0\n"), HasSubstr("from 1 to 100, found 0"));
  EXPECT_THAT(refusal("tasks:\n  max_attempts: 101\n"), HasSubstr("found 101"));
  EXPECT_THAT(refusal("tasks:\n  timeout: 8d\n"), HasSubstr("to 7d, with its unit"));
  EXPECT_THAT(refusal("tasks:\n  backoff_factor: 0.5\n"), HasSubstr("a number from 1 to 100"));
  EXPECT_THAT(refusal("tasks:\n  results_max: 99999999999999999999999\n"), HasSubstr("expected"));
  EXPECT_THAT(refusal("store:\n  url: postgresql://x\n"), HasSubstr("file: and the path"));
  EXPECT_THAT(refusal("workers:\n  builtin: maybe\n"), HasSubstr("auto, on or off, found maybe"));
  EXPECT_THAT(refusal("log:\n  level: loud\n"), HasSubstr("trace, debug, info"));
}

TEST_F(LoadTest, ValuesThatContradictEachOtherAreRefused) {
  EXPECT_EQ(refusal("broker:\n  heartbeat: 10s\n"),
            "default: broker.worker_timeout: expected at least twice broker.heartbeat, found 15s");
  EXPECT_EQ(refusal("limits:\n  payload_max: 1MiB\n"),
            "drover.yaml:2: limits.payload_max: expected at most half of limits.message_max, found "
            "1MiB");
  EXPECT_THAT(refusal("broker:\n  status: {bind: tcp://127.0.0.1:7700}\n"),
              HasSubstr("expected another address than broker.clients.bind has"));
  EXPECT_THAT(refusal("journal: {segment: 64MiB, retain: 100MiB}\n"),
              HasSubstr("at least twice journal.segment"));
}

TEST_F(LoadTest, AStoreIsAFolderOrMemory) {
  EXPECT_EQ(store_directory(load("store: {url: 'memory:'}\n")->settings), "");
  EXPECT_EQ(store_directory(load("store: {url: 'file:x'}\n")->settings), "x");
  EXPECT_THAT(refusal("store: {url: 'file:'}\n"), HasSubstr("or memory:"));
}

TEST_F(LoadTest, ReachingBeyondThisMachineMustBeSaidTwice) {
  EXPECT_EQ(refusal("broker:\n  clients: {bind: 'tcp://0.0.0.0:7700'}\n"),
            "drover.yaml:2: broker.clients.bind: expected an address on this machine (127.0.0.1), "
            "keys (security.keys_file), or security.insecure: true, found tcp://0.0.0.0:7700");
  const auto loaded =
      load("broker:\n  clients: {bind: 'tcp://0.0.0.0:7700'}\nsecurity:\n  insecure: true\n");
  ASSERT_TRUE(loaded);
  EXPECT_FALSE(is_all_loopback(loaded->settings));
}

TEST_F(LoadTest, ABrokerWithAListOfKeysMayBeReachedFromAnywhere) {
  const auto loaded =
      load("broker:\n  clients: {bind: 'tcp://0.0.0.0:7700'}\nsecurity:\n  keys_file: keys.yaml\n");
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(is_secured(loaded->settings));
}

TEST_F(LoadTest, AServerKeyIsOneThatNotEverybodyHas) {
  EXPECT_THAT(refusal("security:\n  server_key: short\n"), HasSubstr("a public key"));
  EXPECT_THAT(refusal("security:\n  server_key: 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7'\n"),
              HasSubstr("a public key"));
}

TEST_F(LoadTest, SeveralFreePortsDoNotContradictEachOther) {
  EXPECT_TRUE(
      load("broker:\n  clients: {bind: 'tcp://127.0.0.1:0'}\n"
           "  workers: {bind: 'tcp://127.0.0.1:0'}\n"));
}

TEST_F(LoadTest, AllMistakesAreToldAtOnce) {
  const auto message = refusal("broker:\n  heartbeat: 5\n  poison_after: x\nnope: 1\n");
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 2);
  const auto loaded = load("broker:\n  heartbeat: 5\n  poison_after: x\nnope: 1\n");
  EXPECT_EQ(loaded.error().field, "broker.heartbeat");
}

TEST_F(LoadTest, AMissingFileIsTold) {
  const auto loaded = load_settings(folder + "/none.yaml", {}, {});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message,
            "cannot read " + folder + "/none.yaml: No such file or directory");
  EXPECT_THAT(load_settings(folder, {}, {}).error().message, HasSubstr("Is a directory"));
}

TEST_F(LoadTest, WhatIsFoundIsQuotedInOneLineAndCut) {
  EXPECT_THAT(refusal("log:\n  level: \"a\\nb\"\n"), HasSubstr("found \"a\\x0ab\""));
  const auto message = refusal("log:\n  level: " + std::string(500, 'x') + "\n");
  EXPECT_THAT(message, HasSubstr(std::string(80, 'x') + "..."));
  EXPECT_EQ(message.find(std::string(81, 'x')), std::string::npos);
}

// --- which file

TEST_F(LoadTest, TheFileAskedForComesBeforeTheVariable) {
  EXPECT_EQ(find_settings_file("a.yaml", {"DROVER_CONFIG=b.yaml"}), "a.yaml");
  EXPECT_EQ(find_settings_file(std::nullopt, {"X=1", "DROVER_CONFIG=b.yaml"}), "b.yaml");
}

// --- the shipped file

std::string shipped() {
  std::ifstream in(DROVER_SOURCE_DIR "/config/drover.yaml");
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(ShippedFile, ItHoldsEverySettingAtItsDefaultWithItsComment) {
  EXPECT_EQ(shipped(), default_file())
      << "write it anew: drover config default > config/drover.yaml";
}

TEST(ShippedFile, ReadingItChangesNothing) {
  const auto loaded = load_settings(DROVER_SOURCE_DIR "/config/drover.yaml", {}, {});
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto defaults = load_settings(std::nullopt, {}, {});
  ASSERT_EQ(loaded->shown.size(), defaults->shown.size());
  for (std::size_t i = 0; i < loaded->shown.size(); ++i) {
    EXPECT_EQ(loaded->shown[i].value, defaults->shown[i].value) << loaded->shown[i].path;
    EXPECT_TRUE(loaded->shown[i].is_default) << loaded->shown[i].path;
  }
}

TEST(ShippedFile, NoLineIsLongerThanAHundredCharacters) {
  std::size_t longest = 0, column = 0;
  for (const char c : default_file()) {
    column = c == '\n' ? 0 : column + 1;
    longest = std::max(longest, column);
  }
  EXPECT_LE(longest, 100u);
}

}  // namespace
}  // namespace drover::config
