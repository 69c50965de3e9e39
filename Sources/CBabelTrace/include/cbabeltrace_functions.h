/* The functions of libbabeltrace2 that are used: CBT_FUNCTION(result, name, parameters, names of the parameters). A
 * CBT_STATUS_FUNCTION has a result, or a parameter, whose type is an enumeration there. Each includer defines the macros. */

/* Components and the graph. */
#define CBT_GRAPH_FUNCTIONS \
	CBT_STATUS_FUNCTION(int, bt_plugin_find, \
		(const char *_Nonnull name, int env, int user, int sys, int fixed, int fail, \
			const bt_plugin *_Nullable *_Nonnull plugin), (name, env, user, sys, fixed, fail, plugin)) \
	CBT_FUNCTION(void, bt_plugin_put_ref, (const bt_plugin *_Nullable plugin), (plugin)) \
	CBT_FUNCTION(const bt_component_class_source *_Nullable, bt_plugin_borrow_source_component_class_by_name_const, \
		(const bt_plugin *_Nonnull plugin, const char *_Nonnull name), (plugin, name)) \
	CBT_FUNCTION(const bt_component_class_filter *_Nullable, bt_plugin_borrow_filter_component_class_by_name_const, \
		(const bt_plugin *_Nonnull plugin, const char *_Nonnull name), (plugin, name)) \
	CBT_FUNCTION(bt_graph *_Nullable, bt_graph_create, (uint64_t version), (version)) \
	CBT_FUNCTION(void, bt_graph_put_ref, (const bt_graph *_Nullable graph), (graph)) \
	CBT_STATUS_FUNCTION(int, bt_graph_add_source_component, \
		(bt_graph *_Nonnull graph, const bt_component_class_source *_Nonnull kind, const char *_Nonnull name, \
			const bt_value *_Nullable parameters, int level, \
			const bt_component_source *_Nullable *_Nullable component), \
		(graph, kind, name, parameters, level, component)) \
	CBT_STATUS_FUNCTION(int, bt_graph_add_filter_component, \
		(bt_graph *_Nonnull graph, const bt_component_class_filter *_Nonnull kind, const char *_Nonnull name, \
			const bt_value *_Nullable parameters, int level, \
			const bt_component_filter *_Nullable *_Nullable component), \
		(graph, kind, name, parameters, level, component)) \
	CBT_STATUS_FUNCTION(int, bt_graph_add_simple_sink_component, \
		(bt_graph *_Nonnull graph, const char *_Nonnull name, cbt_sink_function _Nullable begin, \
			cbt_sink_function _Nonnull consume, cbt_sink_end_function _Nullable end, void *_Nullable data, \
			const bt_component_sink *_Nullable *_Nullable component), \
		(graph, name, begin, consume, end, data, component)) \
	CBT_FUNCTION(uint64_t, bt_component_source_get_output_port_count, \
		(const bt_component_source *_Nonnull component), (component)) \
	CBT_FUNCTION(const bt_port_output *_Nullable, bt_component_source_borrow_output_port_by_index_const, \
		(const bt_component_source *_Nonnull component, uint64_t index), (component, index)) \
	CBT_FUNCTION(const bt_port_input *_Nullable, bt_component_filter_borrow_input_port_by_index_const, \
		(const bt_component_filter *_Nonnull component, uint64_t index), (component, index)) \
	CBT_FUNCTION(const bt_port_output *_Nullable, bt_component_filter_borrow_output_port_by_index_const, \
		(const bt_component_filter *_Nonnull component, uint64_t index), (component, index)) \
	CBT_FUNCTION(const bt_port_input *_Nullable, bt_component_sink_borrow_input_port_by_index_const, \
		(const bt_component_sink *_Nonnull component, uint64_t index), (component, index)) \
	CBT_STATUS_FUNCTION(int, bt_graph_connect_ports, \
		(bt_graph *_Nonnull graph, const bt_port_output *_Nonnull output, const bt_port_input *_Nonnull input, \
			const bt_connection *_Nullable *_Nullable connection), (graph, output, input, connection)) \
	CBT_STATUS_FUNCTION(int, bt_graph_run_once, (bt_graph *_Nonnull graph), (graph)) \
	CBT_FUNCTION(bt_value *_Nullable, bt_value_map_create, (void), ()) \
	CBT_FUNCTION(bt_value *_Nullable, bt_value_array_create, (void), ()) \
	CBT_STATUS_FUNCTION(int, bt_value_array_append_string_element, \
		(bt_value *_Nonnull array, const char *_Nonnull text), (array, text)) \
	CBT_STATUS_FUNCTION(int, bt_value_map_insert_entry, \
		(bt_value *_Nonnull map, const char *_Nonnull key, bt_value *_Nonnull value), (map, key, value)) \
	CBT_FUNCTION(void, bt_value_put_ref, (const bt_value *_Nullable value), (value)) \
	CBT_FUNCTION(int64_t, bt_value_integer_signed_get, (const bt_value *_Nonnull value), (value)) \
	CBT_FUNCTION(const char *_Nonnull, bt_value_string_get, (const bt_value *_Nonnull value), (value)) \
	CBT_FUNCTION(const bt_error *_Nullable, bt_current_thread_take_error, (void), ()) \
	CBT_FUNCTION(uint64_t, bt_error_get_cause_count, (const bt_error *_Nonnull error), (error)) \
	CBT_FUNCTION(const bt_error_cause *_Nonnull, bt_error_borrow_cause_by_index, \
		(const bt_error *_Nonnull error, uint64_t index), (error, index)) \
	CBT_FUNCTION(const char *_Nonnull, bt_error_cause_get_message, (const bt_error_cause *_Nonnull cause), (cause)) \
	CBT_FUNCTION(void, bt_error_release, (const bt_error *_Nonnull error), (error))

/* Messages, events and their fields. */
#define CBT_EVENT_FUNCTIONS \
	CBT_STATUS_FUNCTION(int, bt_message_iterator_next, \
		(bt_message_iterator *_Nonnull iterator, \
			const bt_message *_Nullable const *_Nullable *_Nonnull messages, uint64_t *_Nonnull count), \
		(iterator, messages, count)) \
	CBT_STATUS_FUNCTION(int, bt_message_get_type, (const bt_message *_Nonnull message), (message)) \
	CBT_FUNCTION(void, bt_message_put_ref, (const bt_message *_Nullable message), (message)) \
	CBT_FUNCTION(const bt_event *_Nonnull, bt_message_event_borrow_event_const, \
		(const bt_message *_Nonnull message), (message)) \
	CBT_FUNCTION(const bt_clock_snapshot *_Nonnull, bt_message_event_borrow_default_clock_snapshot_const, \
		(const bt_message *_Nonnull message), (message)) \
	CBT_STATUS_FUNCTION(int, bt_clock_snapshot_get_ns_from_origin, \
		(const bt_clock_snapshot *_Nonnull snapshot, int64_t *_Nonnull time), (snapshot, time)) \
	CBT_FUNCTION(const bt_stream *_Nonnull, bt_message_discarded_events_borrow_stream_const, \
		(const bt_message *_Nonnull message), (message)) \
	CBT_STATUS_FUNCTION(int, bt_message_discarded_events_get_count, \
		(const bt_message *_Nonnull message, uint64_t *_Nonnull count), (message, count)) \
	CBT_FUNCTION(const bt_stream *_Nonnull, bt_message_discarded_packets_borrow_stream_const, \
		(const bt_message *_Nonnull message), (message)) \
	CBT_STATUS_FUNCTION(int, bt_message_discarded_packets_get_count, \
		(const bt_message *_Nonnull message, uint64_t *_Nonnull count), (message, count)) \
	CBT_FUNCTION(const bt_event_class *_Nonnull, bt_event_borrow_class_const, (const bt_event *_Nonnull event), (event)) \
	CBT_FUNCTION(const bt_stream *_Nonnull, bt_event_borrow_stream_const, (const bt_event *_Nonnull event), (event)) \
	CBT_FUNCTION(const bt_field *_Nullable, bt_event_borrow_payload_field_const, \
		(const bt_event *_Nonnull event), (event)) \
	CBT_FUNCTION(const bt_field *_Nullable, bt_event_borrow_common_context_field_const, \
		(const bt_event *_Nonnull event), (event)) \
	CBT_FUNCTION(const char *_Nullable, bt_event_class_get_name, (const bt_event_class *_Nonnull kind), (kind)) \
	CBT_FUNCTION(const bt_field_class *_Nullable, bt_event_class_borrow_payload_field_class_const, \
		(const bt_event_class *_Nonnull kind), (kind)) \
	CBT_FUNCTION(const bt_stream_class *_Nonnull, bt_stream_borrow_class_const, \
		(const bt_stream *_Nonnull stream), (stream)) \
	CBT_FUNCTION(const bt_trace *_Nonnull, bt_stream_borrow_trace_const, (const bt_stream *_Nonnull stream), (stream)) \
	CBT_FUNCTION(const bt_field_class *_Nullable, bt_stream_class_borrow_event_common_context_field_class_const, \
		(const bt_stream_class *_Nonnull kind), (kind)) \
	CBT_FUNCTION(const bt_value *_Nullable, bt_trace_borrow_environment_entry_value_by_name_const, \
		(const bt_trace *_Nonnull trace, const char *_Nonnull name), (trace, name)) \
	CBT_STATUS_FUNCTION(uint64_t, bt_field_class_get_type, (const bt_field_class *_Nonnull kind), (kind)) \
	CBT_FUNCTION(uint64_t, bt_field_class_structure_get_member_count, \
		(const bt_field_class *_Nonnull kind), (kind)) \
	CBT_FUNCTION(const bt_field_class_structure_member *_Nonnull, \
		bt_field_class_structure_borrow_member_by_index_const, \
		(const bt_field_class *_Nonnull kind, uint64_t index), (kind, index)) \
	CBT_FUNCTION(const char *_Nonnull, bt_field_class_structure_member_get_name, \
		(const bt_field_class_structure_member *_Nonnull member), (member)) \
	CBT_FUNCTION(const bt_field_class *_Nonnull, bt_field_class_structure_member_borrow_field_class_const, \
		(const bt_field_class_structure_member *_Nonnull member), (member)) \
	CBT_FUNCTION(const bt_field *_Nonnull, bt_field_structure_borrow_member_field_by_index_const, \
		(const bt_field *_Nonnull field, uint64_t index), (field, index)) \
	CBT_FUNCTION(uint64_t, bt_field_integer_unsigned_get_value, (const bt_field *_Nonnull field), (field)) \
	CBT_FUNCTION(int64_t, bt_field_integer_signed_get_value, (const bt_field *_Nonnull field), (field)) \
	CBT_FUNCTION(const char *_Nonnull, bt_field_string_get_value, (const bt_field *_Nonnull field), (field)) \
	CBT_FUNCTION(uint64_t, bt_field_array_get_length, (const bt_field *_Nonnull field), (field)) \
	CBT_FUNCTION(const bt_field *_Nonnull, bt_field_array_borrow_element_field_by_index_const, \
		(const bt_field *_Nonnull field, uint64_t index), (field, index))

#define CBT_FUNCTIONS CBT_GRAPH_FUNCTIONS CBT_EVENT_FUNCTIONS
