#include "image/layer_rules.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

namespace tidegate::image {
namespace {

LayerTree tree(LayerLimits limits = {}) {
  return LayerTree::make("/opt/release", limits).value();
}
LayerEntry file(std::string path, std::uint64_t size = 1, unsigned mode = 0644) {
  return {std::move(path), EntryKind::kFile, mode, size, ""};
}
LayerEntry folder(std::string path) {
  return {std::move(path), EntryKind::kDirectory, 0755, 0, ""};
}
LayerEntry symlink(std::string path, std::string to) {
  return {std::move(path), EntryKind::kSymlink, 0777, 0, std::move(to)};
}
LayerEntry hardlink(std::string path, std::string to) {
  return {std::move(path), EntryKind::kHardlink, 0644, 0, std::move(to)};
}

// What a folder would hold after the actions: path → "dir", "file", "-> target".
using Disk = std::map<std::string, std::string>;
void act(Disk& disk, const std::vector<LayerAction>& actions) {
  for (const auto& action : actions) {
    switch (action.act) {
      case Act::kMakeDirectory:
        disk[action.path] = "dir";
        break;
      case Act::kWriteFile:
        disk[action.path] = "file";
        break;
      case Act::kSymlink:
        disk[action.path] = "-> " + action.link;
        break;
      case Act::kHardlink:
        disk[action.path] = "file";
        break;
      case Act::kRemove:
        std::erase_if(disk, [&](const auto& entry) {
          return entry.first == action.path || entry.first.starts_with(action.path + "/");
        });
        break;
    }
  }
}

struct Layers {
  LayerTree rules = tree();
  Disk disk;
  void add(const std::vector<LayerEntry>& entries) {
    rules.begin_layer();
    for (const auto& entry : entries) {
      auto actions = rules.apply(entry);
      ASSERT_TRUE(actions) << actions.error().message;
      act(disk, *actions);
    }
  }
};

TEST(LayerRules, TakesOnlyWhatIsBelowFrom) {
  Layers layers;
  layers.add({folder("./"), folder("opt/"), file("opt/release.txt"), folder("opt/release/"),
              file("./opt/release/train.py"), file("opt/release/models/mlp.py", 3, 0755), file("etc/passwd"),
              file("opt/releases/x")});
  EXPECT_EQ(layers.disk, (Disk{{"train.py", "file"}, {"models", "dir"}, {"models/mlp.py", "file"}}));
  EXPECT_FALSE(layers.rules.empty());
}

TEST(LayerRules, KnowsLayersThatCannotMatter) {
  Layers layers;
  layers.add({folder("opt"),
              file("usr/bin/python3"),
              {"dev/null", EntryKind::kOther, 0666, 0, ""},
              file("usr/bin/sudo", 1, 04755)});
  EXPECT_FALSE(layers.rules.layer_touched());
  EXPECT_TRUE(layers.rules.empty());
  layers.add({file("opt/.wh.release")});
  EXPECT_TRUE(layers.rules.layer_touched());
}

TEST(LayerRules, WhiteoutsHideLowerLayersOnly) {
  Layers layers;
  layers.add(
      {file("opt/release/a/x"), file("opt/release/a/y"), file("opt/release/a-b"), file("opt/release/b")});
  // The opaque marker stands after what the same layer brings: containers see the new file all the same.
  layers.add({file("opt/release/a/new"), file("opt/release/a/.wh..wh..opq"), file("opt/release/.wh.b")});
  EXPECT_EQ(layers.disk, (Disk{{"a", "dir"}, {"a/new", "file"}, {"a-b", "file"}}));
  layers.add({file("opt/.wh.release")});
  EXPECT_EQ(layers.disk, Disk{});
}

TEST(LayerRules, OpaqueAncestorHidesEverything) {
  Layers layers;
  layers.add({file("opt/release/a"), file("opt/release/c/d")});
  layers.add({file("opt/release/keep"), file("opt/.wh..wh..opq")});
  EXPECT_EQ(layers.disk, (Disk{{"keep", "file"}}));
}

TEST(LayerRules, LaterLayersReplaceFilesFoldersAndLinks) {
  Layers layers;
  layers.add({file("opt/release/a/x"), folder("opt/release/b"), file("opt/release/b/y"),
              symlink("opt/release/l", "b")});
  layers.add({file("opt/release/a"), symlink("opt/release/b", "a"), folder("opt/release/l"),
              file("opt/release/l/z")});
  EXPECT_EQ(layers.disk, (Disk{{"a", "file"}, {"b", "-> a"}, {"l", "dir"}, {"l/z", "file"}}));
}

TEST(LayerRules, NothingIsWrittenThroughALink) {
  auto rules = tree();
  rules.begin_layer();
  ASSERT_TRUE(rules.apply(symlink("opt/release/link", "data")));
  rules.begin_layer();
  const auto through = rules.apply(file("opt/release/link/evil"));
  ASSERT_FALSE(through);
  EXPECT_NE(through.error().message.find("written through 'link'"), std::string::npos)
      << through.error().message;
}

TEST(LayerRules, RefusesWhatIsHostile) {
  const std::vector<LayerEntry> hostile = {
      file("/etc/cron.d/x"),
      file("opt/release/../../etc/passwd"),
      file("../x"),
      file(std::string("opt/release/a\0b", 15)),
      file("opt/release/" + std::string(5000, 'a')),
      file("opt/release/su", 1, 04755),
      file("opt/release/sg", 1, 02755),
      {"opt/release/dev", EntryKind::kOther, 0666, 0, ""},
      symlink("opt/release/l", "/etc/passwd"),
      symlink("opt/release/l", "../x"),
      symlink("opt/release/a/l", "../../x"),
      symlink("opt/release/a/l", "x/../../y"),
      symlink("opt/release/l", ""),
      hardlink("opt/release/h", "etc/shadow"),
      hardlink("opt/release/h", "opt/release/missing"),
      hardlink("opt/release/h", "opt/release/h"),
      symlink("opt/release", "/srv"),
      symlink("opt", "srv"),
      file("opt"),
      file("opt/release/.wh."),
      file("opt/release/.wh..."),
      file("opt/release/.wh.a/b"),
  };
  for (const auto& entry : hostile) {
    auto rules = tree();
    rules.begin_layer();
    const auto result = rules.apply(entry);
    ASSERT_FALSE(result) << entry.path << " " << entry.link;
    EXPECT_EQ(result.error().code, Errc::kInvalid);
  }
}

TEST(LayerRules, ChainsOfLinksCannotLeave) {
  EXPECT_TRUE(link_stays_inside("p/q/x", "../../a/b"));
  EXPECT_TRUE(link_stays_inside("x", "a"));
  EXPECT_FALSE(link_stays_inside("p/q/x", "../../.."));
  // d -> ../.. (the root) would make d/.. lead out although it does not look so.
  EXPECT_TRUE(link_stays_inside("p/q/d", "../.."));
  EXPECT_FALSE(link_stays_inside("p/q/x", "d/.."));
}

TEST(LayerRules, HardLinksStayInside) {
  Layers layers;
  layers.add({file("opt/release/a"), hardlink("opt/release/b", "opt/release/a"),
              hardlink("opt/release/c", "/opt/release/b")});
  EXPECT_EQ(layers.disk.size(), 3U);
}

TEST(LayerRules, KeepsTheBudgetOverAllLayers) {
  auto rules = tree({.bytes = 10, .entries = 100});
  rules.begin_layer();
  ASSERT_TRUE(rules.apply(file("opt/release/a", 6)));
  ASSERT_TRUE(rules.apply(file("usr/huge", 1ULL << 60U)));
  rules.begin_layer();
  EXPECT_FALSE(rules.apply(file("opt/release/a", 5)));
  EXPECT_FALSE(rules.apply(file("opt/release/b", ~0ULL)));
  EXPECT_TRUE(rules.apply(file("opt/release/c", 4)));
  auto few = tree({.bytes = 10, .entries = 2});
  few.begin_layer();
  ASSERT_TRUE(few.apply(folder("opt/release/1")));
  ASSERT_TRUE(few.apply(folder("opt/release/2")));
  EXPECT_FALSE(few.apply(folder("opt/release/3")));
}

TEST(LayerRules, RefusesRootAsFrom) {
  for (const char* from : {"/", "", "opt", "/opt/../x", "//"})
    EXPECT_FALSE(LayerTree::make(from, {})) << from;
  EXPECT_TRUE(LayerTree::make("/opt/release/", {}));
}

// Against a plain model: a set of paths per layer, merged by the words of the specification.
TEST(LayerRules, AgreesWithAPlainModelOnRandomLayers) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto pick = [&](unsigned n) { return random() % n; };
  const char* names[] = {"a", "b", "a-b", "c"};
  for (int round = 0; round < 300; ++round) {
    auto rules = tree();
    Disk disk;
    std::set<std::string> model;  // files only
    for (int layer = 0; layer < 4; ++layer) {
      rules.begin_layer();
      std::set<std::string> mine;
      std::vector<std::string> hidden;
      for (int i = 0; i < 5; ++i) {
        const std::string dir = std::string("d") + names[pick(4)];
        const std::string name = std::string("f") + names[pick(4)];
        const auto kind = pick(6);
        std::string path = dir + "/" + name;
        if (kind == 4) path = dir + "/.wh." + name, hidden.push_back(dir + "/" + name);
        if (kind == 5) path = dir + "/.wh..wh..opq", hidden.push_back(dir);
        if (kind < 4) mine.insert(path);
        auto actions = rules.apply(file("opt/release/" + path));
        ASSERT_TRUE(actions) << actions.error().message;
        act(disk, *actions);
      }
      for (const auto& gone : hidden)
        std::erase_if(model, [&](const auto& path) { return path == gone || path.starts_with(gone + "/"); });
      model.insert(mine.begin(), mine.end());
    }
    std::set<std::string> files;
    for (const auto& [path, what] : disk)
      if (what == "file") files.insert(path);
    ASSERT_EQ(files, model);
  }
}

}  // namespace
}  // namespace tidegate::image
