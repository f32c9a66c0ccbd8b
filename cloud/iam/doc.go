// Package iam is the embedded cloud's IAM and STS: who signed a request, and what they may do.
//
// It keeps roles, users, managed policies and sessions, answers both services' query APIs, verifies Signature Version 4
// in the header and in the query, and evaluates policies in the whole of AWS's policy language. The other services know
// it as an [Authorizer]. What an action does, and which resources exist, it does not know.
//
// Everything that a request needs, credentials, parsed policies and derived signing keys, is in memory: [Service.Verify]
// and [Service.Authorize] read no store and parse no JSON, and changes never make them wait.
package iam
