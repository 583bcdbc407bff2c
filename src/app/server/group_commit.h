// GroupCommit: what several threads want durable at the same time costs one sync of the disk.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "app/ports/store.h"
#include "app/server/loop.h"

namespace tidegate::app {

class GroupCommit {
 public:
  GroupCommit(Loop& loop, Store& store) : loop_(loop), store_(store) {}

  /// Runs `work` on the loop in a transaction and returns when it is durable, or with its error, which undoes
  /// it. Those that wait meanwhile share the next transaction; when one of them fails, each has its own, so
  /// `work` may run twice: it must begin anew. From any thread but the loop's. kCanceled: the loop has
  /// stopped.
  Status run(std::function<Status()> work);

 private:
  struct Waiting {
    std::function<Status()> work;
    std::promise<Status> done;
    bool is_settled = false;  ///< loop only
  };

  void settle();

  Loop& loop_;
  Store& store_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<Waiting>> waiting_;  ///< the closures on the loop own them: they go with the loop
};

}  // namespace tidegate::app
