// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.config.TidingsConfig;
import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.BackupResult;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.DirectoryContents;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.server.auth.NewClient;
import dev.tidings.server.auth.Passwords;
import dev.tidings.server.relay.UserJson;
import dev.tidings.store.rocksdb.RocksStore;
import dev.tidings.store.sql.SqlStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/// Administration on the store itself, for when no server runs on the data directory.
public final class OfflineAdmin {
  private static final int LANE = 0;

  /// Creates a user and makes it durable before it returns.
  public CreatedUser createUser(TidingsConfig config, NewUserRequest request)
      throws CommandException {
    checkIsKept(config, "user " + request.username());
    try (Passwords passwords = passwords(config);
        DataDirectory _ = DataDirectory.take(config.store().dataDir());
        Store store = Stores.open(config)) {
      User user =
          new User(
              UUID.randomUUID().toString(),
              request.username(),
              request.email(),
              passwords.hash(request.password().value()),
              request.permissions(),
              true,
              System.currentTimeMillis());
      long epoch = store.openSlots(SlotSet.ALL);
      checkFree(store.loadDirectory(), request.username());
      put(store, epoch, user, "user " + request.username());
      return new CreatedUser(UserJson.write(user, Set.of()).text());
    } catch (StoreException | StartException e) {
      throw notCreated("user " + request.username(), e);
    }
  }

  /// Creates a client and makes it durable before it returns.
  CreateClientCommand.Credentials createClient(TidingsConfig config, NewClient wanted)
      throws CommandException {
    checkIsKept(config, "client " + wanted.name());
    try (Passwords passwords = passwords(config);
        DataDirectory _ = DataDirectory.take(config.store().dataDir());
        Store store = Stores.open(config)) {
      Client client =
          wanted.withHash(
              passwords.hash(wanted.secret()), System.currentTimeMillis(), new SecureRandom());
      long epoch = store.openSlots(SlotSet.ALL);
      put(store, epoch, client, "client " + wanted.name());
      return new CreateClientCommand.Credentials(client.id(), wanted.secret());
    } catch (StoreException | StartException e) {
      throw notCreated("client " + wanted.name(), e);
    }
  }

  /// Makes an entry durable.
  ///
  /// @param what it is, for people
  static void put(Store store, long epoch, Entry entry, String what)
      throws StoreException, CommandException {
    SlotSet refused =
        store.commit(new Batch(LANE, epoch, 1, List.of(new StoreRecord.EntryPut(entry))));
    if (!refused.isEmpty()) {
      throw new CommandException(
          what + " was not created: another server has taken over the store meanwhile; try again");
    }
  }

  static CommandException notCreated(String what, Exception why) {
    String message = String.valueOf(why.getMessage());
    // What is advised to a server.
    String advice =
        message.contains("--take-over")
            ? ". This command takes nothing over: stop that server, or run this command with its"
                + " data directory (--data-dir), by which it finds the server"
            : "";
    return new CommandException(what + " was not created: " + message + advice, why);
  }

  /// Refuses to create what would not outlive this process.
  private static void checkIsKept(TidingsConfig config, String what) throws CommandException {
    switch (config.store().type()) {
      case ROCKSDB, POSTGRESQL -> {
        // It outlives this process there.
      }
      case MEMORY ->
          throw new CommandException(
              what
                  + " was not created: store.type is memory and no server runs on "
                  + config.store().dataDir()
                  + ", so nothing would keep it (expected: a running server, or --store rocksdb or"
                  + " postgresql)");
    }
  }

  private static Passwords passwords(TidingsConfig config) {
    TidingsConfig.PasswordHash hash = config.auth().passwordHash();
    return new Passwords(new Passwords.Settings(hash.memory(), hash.iterations(), 1, 1));
  }

  /// Writes a backup of the store.
  public BackupResult backup(TidingsConfig config, Path target) throws CommandException {
    Path dataDir = config.store().dataDir();
    switch (config.store().type()) {
      case ROCKSDB -> {
        // Opening it would make an empty one, and a backup of nothing.
        if (!Files.isDirectory(dataDir.resolve(Stores.FOLDER))) {
          throw new CommandException(
              "there is no store in "
                  + dataDir.toAbsolutePath()
                  + " (expected: the data directory of a server; name it with --data-dir)");
        }
      }
      case POSTGRESQL ->
          throw new CommandException(
              "store.type is postgresql: its backups are made by the database's own tools"
                  + " (expected: pg_dump, as docs/operations.md shows)");
      case MEMORY ->
          throw new CommandException(
              "store.type is memory: there is nothing to make a backup of (expected: --store"
                  + " rocksdb)");
    }
    try (DataDirectory _ = DataDirectory.take(dataDir);
        Store store = Stores.open(config)) {
      return store.backup(target);
    } catch (StoreException | StartException e) {
      throw new CommandException(String.valueOf(e.getMessage()), e);
    }
  }

  /// Makes the store if there is none, checks its format, and says what was found.
  public String migrate(TidingsConfig config) throws CommandException {
    Path dataDir = config.store().dataDir();
    switch (config.store().type()) {
      case ROCKSDB -> {
        // Opened below.
      }
      case POSTGRESQL -> {
        return migrateDatabase(config);
      }
      case MEMORY -> {
        return "store.type is memory: there is nothing to migrate";
      }
    }
    boolean isThere = Files.isDirectory(dataDir.resolve(Stores.FOLDER));
    try (DataDirectory _ = DataDirectory.take(dataDir);
        Store store = Stores.open(config)) {
      DirectoryContents contents = store.loadDirectory();
      String where = dataDir.resolve(Stores.FOLDER).toAbsolutePath().toString();
      return isThere
          ? "the store in %s has the format %s and is up to date; it holds %d topics and %d users"
              .formatted(
                  where,
                  RocksStore.FORMAT,
                  contents.all(Topic.class).size(),
                  contents.all(User.class).size())
          : "made an empty store in %s, format %s".formatted(where, RocksStore.FORMAT);
    } catch (StoreException | StartException e) {
      throw new CommandException("the store was not migrated: " + e.getMessage(), e);
    }
  }

  /// Needs no server to be stopped: whoever migrates locks the others out as long as that takes.
  private static String migrateDatabase(TidingsConfig config) throws CommandException {
    try {
      return SqlStore.migrate(Stores.sql(config, false));
    } catch (StoreException e) {
      throw new CommandException("the store was not migrated: " + e.getMessage(), e);
    }
  }

  private static void checkFree(DirectoryContents contents, String username)
      throws CommandException {
    boolean taken =
        contents.all(User.class).stream().anyMatch(user -> user.username().equals(username))
            || contents.damaged().stream()
                .anyMatch(entry -> entry.kind() == Entry.Kind.USER && entry.key().equals(username));
    if (taken) {
      throw new CommandException("Username '" + username + "' already exists");
    }
  }
}
