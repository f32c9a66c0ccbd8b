package apigateway

import (
	"net/http"

	"quotewire/cloud/protocol"
)

// Errors of the control plane, in the words of API Gateway.

func badRequest(format string, args ...any) error {
	return protocol.Errorf(http.StatusBadRequest, "BadRequestException", format, args...)
}

func conflict(format string, args ...any) error {
	return protocol.Errorf(http.StatusConflict, "ConflictException", format, args...)
}

func notFound(resourceType, format string, args ...any) error {
	e := protocol.Errorf(http.StatusNotFound, "NotFoundException", format, args...)
	e.Members = map[string]string{"resourceType": resourceType}
	return e
}

func (s *Service) noAPI(id string) error {
	return notFound("Api", "Invalid API identifier specified %s:%s", s.Account, id)
}

// unsupported refuses a property whose effect this gateway does not have: to store it and do nothing would be worse.
func unsupported(property, instead string) error {
	return badRequest("the embedded cloud does not support %s; %s", property, instead)
}
