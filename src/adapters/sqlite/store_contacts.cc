// What stores and queues sent that is no event.
#include "adapters/sqlite/store_impl.h"

namespace tidegate::sqlite {
namespace {

app::ContactKind parse_kind(const std::string& text) {
  using app::ContactKind;
  for (const ContactKind kind : {ContactKind::kTest, ContactKind::kSubscribed, ContactKind::kRefused}) {
    if (app::to_string(kind) == text) return kind;
  }
  return ContactKind::kRefused;
}

app::Contact read_contact(const Row& row) {
  app::Contact out;
  row.id(0, out.project);
  out.source = row.text(1);
  out.kind = parse_kind(row.text(2));
  out.channel = row.text(3);
  out.subject = row.text(4);
  out.detail = row.text(5);
  out.count = row.integer(6);
  out.first_at = row.instant(7);
  out.last_at = row.instant(8);
  return out;
}

}  // namespace

Status SqliteStore::add_contact(const app::Contact& c) {
  const auto kind = app::to_string(c.kind);
  TG_CHECK(db_.run(
      "INSERT INTO contacts(project, source, kind, channel, subject, detail, count, first_at, last_at)"
      " VALUES(?,?,?,?,?,?,1,?,?) ON CONFLICT(project, source, kind, channel, subject)"
      " DO UPDATE SET count=count+1, detail=excluded.detail, last_at=excluded.last_at",
      {c.project, c.source, kind, c.channel, c.subject, c.detail, c.last_at, c.last_at}));
  if (c.kind != app::ContactKind::kRefused) return {};
  return db_.run(
      "DELETE FROM contacts WHERE project=?1 AND kind=?2 AND id NOT IN"
      " (SELECT id FROM contacts WHERE project=?1 AND kind=?2 ORDER BY last_at DESC, id DESC LIMIT 100)",
      {c.project, kind});
}

Result<std::vector<app::Contact>> SqliteStore::contacts(ProjectId project, const std::string& source) {
  return all<app::Contact>(
      "SELECT project, source, kind, channel, subject, detail, count, first_at, last_at FROM contacts"
      " WHERE project=?1 AND (?2='' OR source=?2) ORDER BY last_at DESC, id DESC LIMIT 200",
      {project, source}, read_contact);
}

}  // namespace tidegate::sqlite
