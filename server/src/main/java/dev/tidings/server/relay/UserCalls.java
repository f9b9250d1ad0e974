// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy.Right;
import dev.tidings.core.command.ChangeUser;
import dev.tidings.core.command.ChangeUser.Change;
import dev.tidings.core.command.CreateUser;
import dev.tidings.core.command.DeleteUser;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.User;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.server.relay.RelayApi.Services;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;

/// Users: telling who one is, and what administrators do with them (API of pulsar-relay v0.1.0).
final class UserCalls {
  private static final Set<String> PERMISSIONS = Set.of("admin", "read", "write");
  private static final String EXPECTED_PERMISSIONS = "'admin', 'read' or 'write'";
  private static final int MAX_EMAIL = 254;

  /// Characters of a password.
  static final int MAX_PASSWORD = 1024;

  private final RelayApi api;
  private final Services services;

  UserCalls(RelayApi api, Services services) {
    this.api = api;
    this.services = services;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.POST, "/auth/register", this::register);
    routes.add(HttpMethod.GET, "/auth/me", this::me);
    routes.add(HttpMethod.GET, "/auth/users", this::list);
    routes.add(HttpMethod.GET, "/auth/users/stats", this::stats);
    routes.add(HttpMethod.PATCH, "/auth/users/{user_id}", this::change);
    routes.add(HttpMethod.DELETE, "/auth/users/{user_id}", this::delete);
  }

  private void register(Call call) {
    api.withBody(call, Right.ADMINISTER, 2, (_, fields) -> register(call, fields));
  }

  private void register(Call call, Fields fields) {
    String username = fields.string("username", 3, 50);
    Optional<String> email = fields.optionalString("email", 0, MAX_EMAIL);
    String password = fields.string("password", 8, MAX_PASSWORD);
    List<String> words = fields.words("permissions", PERMISSIONS, EXPECTED_PERMISSIONS);
    if (RelayApi.answeredInvalid(call, fields)) {
      return;
    }
    if (services.directory().userByName(username).isPresent()) {
      // Known without hashing first; the shard has the last word.
      call.refused(
          new Refusal(Refusal.Code.USER_EXISTS, "Username '" + username + "' already exists"));
      return;
    }
    services
        .passwords()
        .hash(
            password,
            call.loop(),
            hash ->
                RelayApi.orBusy(
                    call,
                    hash,
                    // Asked again: hashing takes long, and the caller may be nobody by now.
                    it ->
                        api.permitted(
                            call,
                            Right.ADMINISTER,
                            _ -> create(call, username, email, it, words))));
  }

  private void create(
      Call call, String username, Optional<String> email, String hash, List<String> words) {
    User user =
        new User(
            UUID.randomUUID().toString(),
            username,
            email,
            hash,
            permissions(words),
            true,
            services.time().wallMs());
    api.submit(call, new CreateUser(user), created -> call.json(201, write(created)));
  }

  private static Set<Permission> permissions(List<String> words) {
    Set<Permission> permissions = EnumSet.noneOf(Permission.class);
    words.forEach(word -> permissions.add(Permission.valueOf(word.toUpperCase(Locale.ROOT))));
    return permissions;
  }

  private void me(Call call) {
    api.asUser(call, user -> call.json(200, write(user)));
  }

  /// All users by name, from the one after `after` on, as many as an answer holds.
  private void list(Call call) {
    api.permitted(
        call,
        Right.ADMINISTER,
        _ -> {
          Listing listing = new Listing(call, "/auth/users");
          for (User user : services.directory().usersAfter(listing.after())) {
            if (!listing.add(user.username(), write(user))) {
              break;
            }
          }
          listing.answer();
        });
  }

  private void stats(Call call) {
    api.permitted(
        call,
        Right.ADMINISTER,
        _ ->
            call.json(
                200,
                new JsonOut(64)
                    .raw("{\"total_users\":")
                    .number(services.directory().users().size())
                    .raw(",\"active_users\":")
                    .number(services.directory().activeUsers())
                    .raw("}")));
  }

  // ---- changing and deleting ----

  private void change(Call call) {
    api.withBody(call, Right.ADMINISTER, 2, (_, fields) -> change(call, fields));
  }

  private void change(Call call, Fields fields) {
    Optional<String> email = fields.optionalString("email", 0, MAX_EMAIL);
    Optional<String> password = fields.optionalString("password", 8, MAX_PASSWORD);
    Optional<Set<Permission>> permissions =
        fields
            .optionalWords("permissions", PERMISSIONS, EXPECTED_PERMISSIONS)
            .map(UserCalls::permissions);
    Optional<Boolean> active = fields.optionalBool("is_active");
    if (RelayApi.answeredInvalid(call, fields)) {
      return;
    }
    Optional<Optional<String>> newEmail =
        fields.isSent("email") ? Optional.of(email) : Optional.empty();
    existing(
        call,
        user -> {
          if (password.isEmpty()) {
            change(call, user, new Change(newEmail, Optional.empty(), permissions, active));
            return;
          }
          services
              .passwords()
              .hash(
                  password.get(),
                  call.loop(),
                  hash ->
                      RelayApi.orBusy(
                          call,
                          hash,
                          it ->
                              api.permitted(
                                  call,
                                  Right.ADMINISTER,
                                  _ ->
                                      change(
                                          call,
                                          user,
                                          new Change(
                                              newEmail, Optional.of(it), permissions, active)))));
        });
  }

  private void change(Call call, User user, Change change) {
    boolean staysAdmin =
        change.active().orElse(user.active())
            && change.permissions().orElse(user.permissions()).contains(Permission.ADMIN);
    if (!staysAdmin && isLastAdmin(user)) {
      call.detail(400, "Cannot demote or disable the last active administrator");
      return;
    }
    api.submit(
        call,
        new ChangeUser(user.username(), user.id(), change),
        changed -> call.json(200, write(changed)));
  }

  private void delete(Call call) {
    api.permitted(
        call,
        Right.ADMINISTER,
        caller -> {
          if (call.pathParameter("user_id").equals(caller.id())) {
            call.detail(400, "Cannot delete your own user account");
            return;
          }
          existing(
              call,
              user ->
                  api.submit(
                      call, new DeleteUser(user.username(), user.id()), _ -> call.empty(204)));
        });
  }

  /// Whether nobody could manage the server without `user`. Two who bar each other at the same
  /// moment are not noticed; `tidings create-user` makes another, also while no server runs.
  private boolean isLastAdmin(User user) {
    return user.active()
        && user.has(Permission.ADMIN)
        && !services.directory().hasOtherUserWith(Permission.ADMIN, user);
  }

  /// The user the path names.
  private void existing(Call call, Consumer<User> then) {
    String id = call.pathParameter("user_id");
    services
        .directory()
        .userById(id)
        .ifPresentOrElse(then, () -> call.detail(404, "User with ID '" + id + "' not found"));
  }

  private JsonOut write(User user) {
    return UserJson.write(user, services.directory().topicsOwnedBy(user.id()));
  }
}
