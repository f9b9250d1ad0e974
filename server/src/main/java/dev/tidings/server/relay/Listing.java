// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.JsonOut;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/// An answer that lists named things in the order of their names: a bare JSON array, and where it
/// would become larger than [#MAX_BYTES] a header `Link` that says where the rest is.
final class Listing {
  /// The answer is full with this; what begins below it is still in it.
  private static final int MAX_BYTES = 4 * 1024 * 1024;

  private final Call call;
  private final String path;
  private final JsonOut out = new JsonOut(1024).raw("[");
  private String last = "";
  private boolean more;

  Listing(Call call, String path) {
    this.call = call;
    this.path = path;
  }

  /// The name after which the client wants to go on; empty for the beginning.
  String after() {
    String after = call.request().getParam("after");
    return after == null ? "" : after;
  }

  /// Adds what is called `name`; false if the answer is full and it has to wait for the next.
  boolean add(String name, JsonOut item) {
    if (out.length() >= MAX_BYTES) {
      more = true;
      return false;
    }
    if (!last.isEmpty()) {
      out.raw(",");
    }
    out.raw(item);
    last = name;
    return true;
  }

  /// There may be more behind `name`, which was looked at last.
  void goOnAfter(String name) {
    last = name;
    more = true;
  }

  void answer() {
    if (more) {
      String after = URLEncoder.encode(last, StandardCharsets.UTF_8);
      var _ = call.with("link", "<" + path + "?after=" + after + ">; rel=\"next\"");
    }
    call.json(200, out.raw("]"));
  }
}
