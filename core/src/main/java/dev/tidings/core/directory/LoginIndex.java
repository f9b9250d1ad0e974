// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import org.pcollections.TreePMap;

/// The logins of the directory, by id and by user.
///
/// @param byUser ids of logins by the id of their user
record LoginIndex(TreePMap<String, Login> byId, SetIndex byUser) {
  static final LoginIndex EMPTY = new LoginIndex(TreePMap.empty(), SetIndex.EMPTY);

  LoginIndex with(Login login) {
    return new LoginIndex(byId.plus(login.id(), login), byUser.with(login.userId(), login.id()));
  }

  LoginIndex without(Login login) {
    return new LoginIndex(byId.minus(login.id()), byUser.without(login.userId(), login.id()));
  }
}
