// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import dev.tidings.core.store.BackupResult;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.server.wire.Bodies;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.FieldError;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.JsonValue;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Backups of the running server's store. It is for the administrator's socket alone, since it
/// makes files wherever the server may.
public final class BackupApi {
  private static final Logger LOG = LoggerFactory.getLogger(BackupApi.class);
  private static final int MAX_PATH = 4096;

  private final Store store;
  private final Bodies bodies;

  /// Backups of `store`.
  public BackupApi(Store store, Bodies bodies) {
    this.store = store;
    this.bodies = bodies;
  }

  /// Adds its route.
  public void route(Routes routes) {
    routes.add(HttpMethod.POST, "/admin/backup", this::backup);
  }

  /// `{"target": DIRECTORY}` is answered when the backup is there, with 200 and
  /// `{"target","files","bytes"}`; with 409 where it cannot be made like this, with 500 if it
  /// failed. The caller is the operator, and is told everything.
  private void backup(Call call) {
    bodies.read(
        call,
        bytes -> {
          switch (JsonValue.parse(bytes, 2)) {
            case JsonValue.Valid(JsonValue body) -> backup(call, Fields.of(body));
            case JsonValue.Invalid invalid -> call.invalid(List.of(FieldError.malformed(invalid)));
            case JsonValue.Absent _ -> call.invalid(List.of(FieldError.missingBody()));
          }
        });
  }

  private void backup(Call call, Fields fields) {
    String target = fields.string("target", 1, MAX_PATH);
    if (!fields.hasErrors() && !isAbsolute(target)) {
      fields.invalid("target", "expected the absolute path of a directory");
    }
    if (fields.hasErrors()) {
      call.invalid(fields.errors());
      return;
    }
    // It may take longer than a connection is left idle.
    call.loop().connections().left(call.request().connection());
    // The store takes one backup at a time and refuses others at once: there is one such thread.
    Thread.ofPlatform().daemon().name("backup").start(() -> write(call, Path.of(target)));
  }

  private static boolean isAbsolute(String path) {
    try {
      return Path.of(path).isAbsolute();
    } catch (InvalidPathException _) {
      return false;
    }
  }

  private void write(Call call, Path target) {
    Runnable answer;
    try {
      LOG.info("writing a backup to {}", target);
      answer =
          switch (store.backup(target)) {
            case BackupResult.Written(Path directory, int files, long bytes) -> {
              LOG.info("the backup {} is written: {} files, {} bytes", directory, files, bytes);
              yield () ->
                  call.json(
                      200,
                      new JsonOut(128)
                          .raw("{\"target\":")
                          .string(directory.toString())
                          .raw(",\"files\":")
                          .number(files)
                          .raw(",\"bytes\":")
                          .number(bytes)
                          .raw("}"));
            }
            case BackupResult.Refused(String detail) -> () -> call.detail(409, detail);
          };
    } catch (StoreException e) {
      String detail = String.valueOf(e.getMessage());
      LOG.error("{}", detail, e);
      answer = () -> call.detail(500, detail);
    } catch (RuntimeException e) {
      answer = () -> call.failed(e);
    }
    Runnable told = answer;
    try {
      call.loop().execute(() -> call.guarded(told));
    } catch (RejectedExecutionException _) {
      LOG.warn("the server has stopped, so nobody is told what became of the backup {}", target);
    }
  }
}
