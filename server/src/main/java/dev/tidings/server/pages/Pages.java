// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pages;

import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The pages about the API, for all event loops: `/openapi.json`, and that document in Swagger UI
/// (`/docs`) and ReDoc (`/redoc`). None needs a token, and a browser fetches nothing from elsewhere
/// for them.
///
/// Their files are read at the first request, on a thread of its own, and kept.
public final class Pages {
  private static final Logger LOG = LoggerFactory.getLogger(Pages.class);
  private static final CharSequence CONTENT_POLICY =
      HttpHeaders.createOptimized("content-security-policy");
  private static final CharSequence TYPE_OPTIONS =
      HttpHeaders.createOptimized("x-content-type-options");
  private static final CharSequence REFERRER_POLICY =
      HttpHeaders.createOptimized("referrer-policy");

  /// Both pages write styles into their elements, and ReDoc searches in a worker it makes itself.
  private static final String OWN_THINGS_ONLY =
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
          + " img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:;"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private @Nullable CompletableFuture<Map<String, PageFile>> files;

  /// The pages of a server.
  public Pages() {}

  /// Adds their routes.
  public void route(Routes routes) {
    routes.add(HttpMethod.GET, "/openapi.json", call -> send(call, "/openapi.json"));
    routes.add(HttpMethod.GET, "/docs", call -> send(call, "/docs"));
    routes.add(HttpMethod.GET, "/docs/{file}", call -> sendFile(call, "/docs/"));
    routes.add(HttpMethod.GET, "/redoc", call -> send(call, "/redoc"));
    routes.add(HttpMethod.GET, "/redoc/{file}", call -> sendFile(call, "/redoc/"));
  }

  private void sendFile(Call call, String folder) {
    send(call, folder + call.pathParameter("file"));
  }

  private void send(Call call, String path) {
    var _ =
        files()
            .whenCompleteAsync(
                (files, failure) ->
                    call.guarded(() -> {
                      if (files == null) {
                        LOG.error("the pages cannot be read", failure);
                        call.error(500, "INTERNAL_ERROR", "An internal error occurred");
                      } else {
                        send(call, files.get(path));
                      }
                    }),
                call.loop());
  }

  private synchronized CompletableFuture<Map<String, PageFile>> files() {
    CompletableFuture<Map<String, PageFile>> begun = files;
    if (begun == null) {
      begun =
          CompletableFuture.supplyAsync(
              PageFiles::load, Thread.ofPlatform().daemon().name("pages")::start);
      files = begun;
    }
    return begun;
  }

  private static void send(Call call, @Nullable PageFile file) {
    if (file == null) {
      call.detail(404, "Not Found");
      return;
    }
    call.with(HttpHeaders.ETAG, file.tag())
        // Asked for anew each time, so that nobody mixes files of two versions.
        .with(HttpHeaders.CACHE_CONTROL, "no-cache")
        .with(CONTENT_POLICY, OWN_THINGS_ONLY)
        .with(TYPE_OPTIONS, "nosniff")
        .with(REFERRER_POLICY, "no-referrer");
    if (file.isNamedBy(call.header(HttpHeaders.IF_NONE_MATCH))) {
      call.empty(304);
    } else {
      call.send(200, file.type(), file.content());
    }
  }
}
