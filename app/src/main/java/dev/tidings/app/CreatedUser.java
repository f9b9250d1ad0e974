// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

/// The user that was created, as the API shows it: one line of JSON.
public record CreatedUser(String json) {}
