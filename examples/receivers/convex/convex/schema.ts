import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  // What each customer may use, as Tidings last told it.
  customers: defineTable({
    customer: v.string(),
    appUserId: v.string(),
    seq: v.number(),
    access: v.any(),
  })
    .index("by_customer", ["customer"])
    .index("by_app_user_id", ["appUserId"]),
});
