// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

/// A registered user and a client that acts as them.
record User(String id, String name, String password, RelayClient client) {}
